//! What is compared with: a GaugeVec of the client library, encoded and compressed at each scrape, on hyper.

use std::convert::Infallible;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use prometheus::{GaugeVec, Opts, Registry, TextEncoder};
use tokio::net::TcpListener;

use crate::vendor::{account_name, bucket_name, gigabytes};

/// Serves until it is ended. Prints its address first.
pub(crate) async fn serve(accounts: usize, buckets: usize) {
    let registry = Registry::new();
    let usage = GaugeVec::new(
        Opts::new("lyvecloud_bucket_usage_bytes", "Bytes in each bucket, month to date."),
        &["account", "bucket"],
    )
    .unwrap();
    registry.register(Box::new(usage.clone())).unwrap();
    for account in 0..accounts {
        for bucket in 0..buckets {
            let labels = [account_name(account), bucket_name(account, bucket)];
            usage.with_label_values(&labels).set(gigabytes(account, bucket) * 1e9);
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let registry = registry.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let answer = answer(&registry, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn answer<B>(registry: &Registry, request: &Request<B>) -> Response<Full<Bytes>> {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let zip = request.headers().get(ACCEPT_ENCODING).is_some_and(|accept| accept == "gzip");
    let body = if zip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    } else {
        text.into_bytes()
    };
    let mut answer = Response::new(Full::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    if zip {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}
