//! What the answers of Lyve Cloud Object Storage should look like: by the vendor's guide, and by what one customer saw where
//! it is silent.

use crate::api::contract::Expected::{Flag, Instant, List, Map, Number, Object, OneOf, Text};
use crate::api::contract::{Contract, Wire, always, sometimes};

const LEFT_OUT: &str = "each such item is left out of the metrics";

pub(super) const BILLING: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", Object("answers"), ""),
        always("UsedSpace", List, "usage cannot be read without it"),
        always("UsedSpace[]", Object("days of used space"), ""),
        always("UsedSpace[].Date", Instant, LEFT_OUT),
        always("UsedSpace[].UsedSpace", Number, "the usage of such a day is not known"),
        sometimes("UsedSpace[].GhostSpace", Number),
        sometimes("ObjectCount", List),
        always("ObjectCount[]", Object("days of object counts"), ""),
        always("ObjectCount[].Date", Instant, LEFT_OUT),
        always("ObjectCount[].ObjectCount", Number, "the objects of such a day are not known"),
        sometimes("Stats", Map),
        sometimes("Stats.*", List),
        always("Stats.*[]", Object("days of transfer"), ""),
        always("Stats.*[].Date", Instant, LEFT_OUT),
        sometimes("Stats.*[].UploadBytes", Number),
        sometimes("Stats.*[].DownloadBytes", Number),
        sometimes("Stats.*[].DeleteBytes", Number),
        sometimes("UseDecimalByte", Flag),
    ],
};

pub(super) const LIST_BUCKETS: Contract = Contract {
    wire: Wire::Xml { list: "Buckets", item: "Bucket" },
    fields: &[
        always("", Object("answers"), ""),
        always("Buckets", List, "no bucket is known without it"),
        always("Buckets[]", Object("buckets"), ""),
        always("Buckets[].Name", Text, LEFT_OUT),
        sometimes("Buckets[].CreationDate", Instant),
    ],
};

pub(super) const BUCKET_STATS: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", Map, ""),
        always("*", Object("buckets"), ""),
        always("*.size", Number, "the size of such a bucket is not known"),
        always("*.objects", Number, "the objects of such a bucket are not known"),
        sometimes("*.replicationPolicy", List),
        always("*.replicationPolicy[]", Text, ""),
    ],
};

pub(super) const USER_INFO: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        sometimes("", List),
        always("[]", Object("users"), ""),
        always("[].Name", Text, LEFT_OUT),
        always("[].Type", OneOf(&["root", "admin", "user"]), "the label `type` of such a user is empty"),
        always("[].PwdMustChange", Flag, "whether the password has to be changed is not known"),
        sometimes("[].CreatedOn", Instant),
        sometimes("[].LastAccess", Instant),
    ],
};

pub(super) const LIST_USERS: Contract = Contract {
    wire: Wire::Xml { list: "Users", item: "member" },
    fields: &[
        always("", Object("answers"), ""),
        always("Users", List, "no user is known without it"),
        always("Users[]", Object("users"), ""),
        always("Users[].UserName", Text, LEFT_OUT),
        sometimes("Users[].UserId", Text),
        sometimes("Users[].CreateDate", Instant),
        sometimes("Users[].PasswordLastUsed", Instant),
        sometimes("Users[].Path", Text),
        sometimes("Users[].Arn", Text),
    ],
};

pub(super) const LIST_ACCESS_KEYS: Contract = Contract {
    wire: Wire::Xml { list: "AccessKeyMetadata", item: "member" },
    fields: &[
        always("", Object("answers"), ""),
        always("AccessKeyMetadata", List, "no access key is known without it"),
        always("AccessKeyMetadata[]", Object("access keys"), ""),
        always("AccessKeyMetadata[].AccessKeyId", Text, LEFT_OUT),
        sometimes("AccessKeyMetadata[].UserName", Text),
        always(
            "AccessKeyMetadata[].Status",
            OneOf(&["Active", "Inactive"]),
            "whether such a key is switched on is not known",
        ),
        always("AccessKeyMetadata[].CreateDate", Instant, "the age of such a key is not known"),
    ],
};
