//! What the demo's accounts hold.

use super::curve::Side;
use super::curve::Wave::{self, Busy, Rotating, Still};

/// A bucket, or the usage of a sub-account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// GB when the demo starts.
    pub(super) gigabytes: f64,
    /// The part that is added each 30 days.
    pub(super) monthly_growth: f64,
    pub(super) wave: Wave,
    /// It came so many months ago, where it is younger than its account.
    pub(super) born: Option<i32>,
    /// It was deleted so many days ago; its history stays.
    pub(super) gone: Option<i64>,
    /// It is part of the migration.
    pub(super) migrates: Option<Side>,
}

impl Row {
    pub(super) const fn new(name: &'static str, gigabytes: f64, monthly_growth: f64, wave: Wave) -> Self {
        Self { name, gigabytes, monthly_growth, wave, born: None, gone: None, migrates: None }
    }

    const fn born(self, months_ago: i32) -> Self {
        Self { born: Some(months_ago), ..self }
    }

    const fn gone(self, days_ago: i64) -> Self {
        Self { gone: Some(days_ago), ..self }
    }

    const fn migrates(self, side: Side) -> Self {
        Self { migrates: Some(side), ..self }
    }
}

/// How many days ago the migration from the old platform to the new one started and ended.
pub(super) const MIGRATION: (i64, i64) = (50, 9);

/// What it moved.
const fn migrated(side: Side) -> Row {
    Row::new("broadcast-masters", 66_540.9, 0.022, Busy).migrates(side)
}

/// A media company: 26 buckets of today and two of the past, about 330 TB.
pub(super) const NORTHWIND: &[Row] = &[
    Row::new("media-originals", 148_310.442, 0.031, Busy),
    Row::new("media-renditions", 61_204.118, 0.044, Busy),
    Row::new("media-proxies", 9_842.7, 0.038, Busy),
    Row::new("warehouse-raw", 33_915.06, 0.052, Busy),
    Row::new("warehouse-curated", 12_480.331, 0.047, Still),
    Row::new("warehouse-exports", 1_822.904, 0.012, Busy),
    Row::new("backup-postgres", 8_455.29, 0.021, Rotating),
    Row::new("backup-vsphere", 24_180.75, 0.018, Rotating),
    Row::new("backup-workstations", 5_930.4, 0.009, Rotating),
    Row::new("backup-kubernetes-etcd", 12.884, 0.004, Rotating),
    Row::new("logs-edge", 2_944.615, 0.036, Rotating),
    Row::new("logs-applications", 1_310.22, 0.029, Rotating),
    Row::new("logs-audit", 486.071, 0.041, Still),
    Row::new("container-registry", 3_120.48, 0.025, Busy),
    Row::new("ci-artifacts", 940.552, 0.006, Rotating),
    Row::new("ci-cache", 388.19, 0.0, Busy),
    Row::new("ml-training-sets", 11_760.9, 0.058, Still).born(9),
    Row::new("ml-checkpoints", 4_205.337, 0.061, Rotating).born(7),
    Row::new("legal-hold", 764.2, 0.0, Still),
    Row::new("finance-archive", 215.66, 0.011, Still),
    Row::new("hr-documents", 38.914, 0.014, Still),
    Row::new("website-assets", 96.305, 0.019, Busy),
    Row::new("customer-uploads", 6_618.84, 0.049, Busy),
    Row::new("thumbnails", 507.13, 0.027, Busy),
    Row::new("migration-staging", 1_450.0, -0.062, Busy),
    Row::new("terraform-state", 0.412, 0.008, Still),
    Row::new("scratch-2025", 2_210.5, -0.03, Still).gone(100),
    migrated(Side::From),
];

/// The sub-account that is on trial.
pub(super) const ON_TRIAL: &str = "northwind-labs";

/// Name; users, service accounts and buckets; usage.
pub(super) const NORTHWIND_SUB_ACCOUNTS: &[(&str, (u64, u64, u64), Row)] = &[
    ("northwind-emea", (14, 6, 31), Row::new("northwind-emea", 82_416.27, 0.034, Busy)),
    ("northwind-apac", (9, 4, 22), Row::new("northwind-apac", 47_950.803, 0.051, Busy)),
    (ON_TRIAL, (3, 1, 4), Row::new(ON_TRIAL, 1_204.55, 0.2, Busy).born(1)),
    ("northwind-deep-archive", (2, 0, 3), Row::new("northwind-deep-archive", 120_333.0, 0.002, Still)),
];

/// Backups and nothing else: 16 buckets and one that was deleted, about 90 TB.
pub(super) const CONTOSO: &[Row] = &[
    Row::new("backup-vm-daily", 18_240.612, 0.028, Rotating),
    Row::new("backup-vm-weekly", 22_905.33, 0.024, Rotating),
    Row::new("backup-vm-monthly", 15_077.8, 0.033, Still),
    Row::new("backup-sql-full", 7_340.19, 0.041, Rotating),
    Row::new("backup-sql-log", 644.027, 0.015, Rotating),
    Row::new("backup-exchange", 5_818.4, 0.022, Rotating),
    Row::new("backup-sharepoint", 3_260.955, 0.035, Rotating),
    Row::new("backup-fileserver-berlin", 4_912.7, 0.019, Busy),
    Row::new("backup-fileserver-oslo", 3_105.44, 0.017, Busy),
    Row::new("backup-fileserver-porto", 2_770.381, 0.02, Busy).born(6),
    Row::new("backup-laptops", 1_984.26, 0.026, Busy),
    Row::new("backup-nas-legacy", 2_402.9, -0.045, Still),
    Row::new("backup-git", 88.715, 0.013, Busy),
    Row::new("backup-vault-snapshots", 3.208, 0.005, Rotating),
    Row::new("backup-erp", 1_455.06, 0.03, Rotating),
    Row::new("restore-drills", 310.5, -0.02, Busy),
    Row::new("backup-vm-before-renewal", 9_120.0, 0.0, Still).gone(23),
];

/// An archive: 15 buckets, about 210 TB.
pub(super) const FABRIKAM: &[Row] = &[
    Row::new("archive-2012", 8_120.4, 0.0, Still),
    Row::new("archive-2013", 9_377.15, 0.0, Still),
    Row::new("archive-2014", 10_204.9, 0.0, Still),
    Row::new("archive-2015", 11_560.33, 0.0, Still),
    Row::new("archive-2016", 12_018.7, 0.0, Still),
    Row::new("archive-2017", 13_440.06, 0.0, Still),
    Row::new("archive-2018", 14_905.2, 0.0, Still),
    Row::new("archive-2019", 16_233.81, 0.0, Still),
    Row::new("archive-2020", 17_120.55, 0.0, Still),
    Row::new("archive-2021", 18_777.42, 0.0, Still),
    Row::new("archive-2022", 19_204.08, 0.0, Still),
    Row::new("archive-2023", 20_915.6, 0.0, Still),
    Row::new("archive-2024", 21_480.37, 0.001, Still),
    Row::new("archive-current", 14_266.905, 0.06, Busy),
    Row::new("archive-index", 42.118, 0.01, Busy),
];

/// A bucket of the current platform.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectRow {
    pub(super) usage: Row,
    /// Objects for each GB.
    pub(super) objects_per_gb: u64,
}

const fn objects(objects_per_gb: u64, usage: Row) -> ObjectRow {
    ObjectRow { usage, objects_per_gb }
}

/// An archive in two regions: 9 buckets, about 240 TB.
pub(super) const ARCHIVE_GLOBAL: &[ObjectRow] = &[
    objects(2, Row::new("records-vault", 84_310.25, 0.018, Still)),
    objects(31, Row::new("records-scans", 41_902.6, 0.044, Busy)),
    objects(9, migrated(Side::To)),
    objects(4, Row::new("seismic-surveys", 18_775.33, 0.037, Busy).born(8)),
    objects(120, Row::new("mail-journal", 6_204.18, 0.026, Busy)),
    objects(1, Row::new("vm-snapshots", 19_880.4, 0.015, Rotating)),
    objects(54, Row::new("lab-notebooks", 1_312.77, 0.031, Still)),
    objects(840, Row::new("sensor-readings", 722.415, 0.058, Rotating)),
    objects(3, Row::new("press-cuttings", 214.09, 0.006, Still)),
];

/// Buckets that were deleted and are still in the statistics: name, bytes and objects.
pub(super) const ARCHIVE_GLOBAL_DELETED: &[(&str, u64, u64)] = &[
    ("migration-2025-a", 3_118_402_551_808, 20_411),
    ("migration-2025-b", 2_904_773_120_000, 18_077),
    ("load-test", 511_204_300_800, 4_000_000),
    ("scratch", 0, 0),
];
