//! What the answers of the Account API v2 should look like: by the vendor's guide, and by what public clients were written
//! against where the guide is silent.

use crate::api::contract::Expected::{
    Date, Flag, Instant, List, Month, Number, NumberOrText, Object, OneOf, Text,
};
use crate::api::contract::{Contract, Wire, always, sometimes};

const NO_SESSION: &str = "no login works without it";
const LEFT_OUT: &str = "each such item is left out of the metrics";
const NO_USAGE: &str = "usage cannot be read without it";

pub(super) const LOGIN: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", Object("answers"), ""),
        always("token", Text, NO_SESSION),
        always("expirationSec", NumberOrText, "the session is used until the vendor rejects it"),
    ],
};

pub(super) const SESSION: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", Object("answers"), ""),
        always("expirationSec", NumberOrText, "the end of the session is not known"),
    ],
};

pub(super) const CURRENT_USAGE: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", Object("answers"), ""),
        always("usageByBucket", Object(""), NO_USAGE),
        sometimes("usageByBucket.numBuckets", Number),
        sometimes("usageByBucket.totalUsageGB", Number),
        sometimes("usageByBucket.buckets", List),
        always("usageByBucket.buckets[]", Object("buckets"), ""),
        always("usageByBucket.buckets[].name", Text, LEFT_OUT),
        sometimes("usageByBucket.buckets[].usageGB", Number),
        sometimes("usageBySubAccount", Object("")),
        sometimes("usageBySubAccount.totalUsageGB", Number),
        sometimes("usageBySubAccount.subAccounts", List),
        always("usageBySubAccount.subAccounts[]", Object("sub-accounts"), ""),
        always("usageBySubAccount.subAccounts[].subAccountId", Text, LEFT_OUT),
        always(
            "usageBySubAccount.subAccounts[].subAccountName",
            Text,
            "such a sub-account is shown by its id",
        ),
        sometimes("usageBySubAccount.subAccounts[].usageGB", Number),
        sometimes("usageBySubAccount.subAccounts[].users", Number),
        sometimes("usageBySubAccount.subAccounts[].serviceAccounts", Number),
        sometimes("usageBySubAccount.subAccounts[].buckets", Number),
        sometimes("usageBySubAccount.subAccounts[].trial", Number),
        sometimes("usageBySubAccount.subAccounts[].createTime", Instant),
    ],
};

pub(super) const MONTHLY_USAGE: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", Object("answers"), ""),
        always("usageByBucket", List, NO_USAGE),
        always("usageByBucket[]", Object("months"), ""),
        always("usageByBucket[].year", Number, "such a month cannot be distinguished from others"),
        always("usageByBucket[].month", Month, "such a month cannot be distinguished from others"),
        sometimes("usageByBucket[].totalUsageGB", Number),
        sometimes("usageByBucket[].buckets", List),
        always("usageByBucket[].buckets[]", Object("buckets of months"), ""),
        always("usageByBucket[].buckets[].name", Text, LEFT_OUT),
        sometimes("usageByBucket[].buckets[].usageGB", Number),
        sometimes("usageBySubAccount", List),
        always("usageBySubAccount[]", Object("months"), ""),
        always("usageBySubAccount[].year", Number, "such a month cannot be distinguished from others"),
        always("usageBySubAccount[].month", Month, "such a month cannot be distinguished from others"),
        sometimes("usageBySubAccount[].totalUsageGB", Number),
        sometimes("usageBySubAccount[].subAccounts", List),
        always("usageBySubAccount[].subAccounts[]", Object("sub-accounts of months"), ""),
        always("usageBySubAccount[].subAccounts[].subAccountId", Text, LEFT_OUT),
        always(
            "usageBySubAccount[].subAccounts[].subAccountName",
            Text,
            "such a sub-account is shown by its id",
        ),
        sometimes("usageBySubAccount[].subAccounts[].usageGB", Number),
        sometimes("usageBySubAccount[].subAccounts[].createTime", Instant),
    ],
};

pub(super) const SERVICE_ACCOUNTS: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", List, ""),
        always("[]", Object("service accounts"), ""),
        always("[].id", Text, LEFT_OUT),
        always("[].name", Text, "such a service account is shown by its id"),
        sometimes("[].description", Text),
        always("[].enabled", Flag, "whether it is switched on is not known"),
        always("[].readyState", Flag, "whether it is ready is not known"),
        always(
            "[].expirationDate",
            Date,
            "the exporter shows `unknown` for when it expires, and no alert can fire",
        ),
        sometimes("[].permissions", List),
        always("[].permissions[]", Text, ""),
    ],
};

pub(super) const PERMISSIONS: Contract = Contract {
    wire: Wire::Json,
    fields: &[
        always("", List, ""),
        always("[]", Object("permissions"), ""),
        always("[].id", Text, LEFT_OUT),
        always("[].name", Text, "such a permission is shown by its id"),
        sometimes("[].description", Text),
        always(
            "[].type",
            OneOf(&["all-buckets", "bucket-prefix", "bucket-names", "policy"]),
            "the label `type` of such a permission is empty",
        ),
        always("[].readyState", Flag, "whether it is ready is not known"),
        sometimes("[].actions", OneOf(&["all-operations", "read-only", "write-only"])),
        sometimes("[].prefix", Text),
        sometimes("[].buckets", List),
        always("[].buckets[]", Text, ""),
        // A policy may come as the document itself.
        sometimes("[].policy", Text),
        sometimes("[].createTime", Instant),
    ],
};
