//! The tables of `docs/benchmarks.md`: what is measured for each, and which figures are shown.

/// One table.
pub(crate) struct Section {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// The measurement: `potluck bench` with this word.
    pub(crate) command: &'static str,
    /// Run once: it takes minutes, and hardly varies.
    pub(crate) once: bool,
    /// Numbers so small that every case takes a second or two.
    pub(crate) tiny: &'static str,
    /// Keys of the JSON and what stands above their column.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// One row each.
    pub(crate) cases: &'static [Case],
}

/// One row.
pub(crate) struct Case {
    /// What stands in front of it.
    pub(crate) label: &'static str,
    /// Flags that say what is measured.
    pub(crate) flags: &'static str,
    /// Flags that say how much of it.
    pub(crate) full: &'static str,
}

const TINY_JOINS: &str = "--members 1000 --groups 5 --seats 10 --joins 3000";

/// All tables in the order of the document.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        name: "joins",
        title: "Joins, a million members",
        command: "joins",
        once: false,
        tiny: TINY_JOINS,
        columns: &[
            ("joins_per_s", "joins/s"),
            ("p50_us", "p50 µs"),
            ("p99_us", "p99 µs"),
            ("cpu_ns_per_join", "CPU ns/join"),
            ("journal_bytes_per_join", "journal bytes/join"),
            ("rss_mb", "RSS MB"),
            ("lag_records", "views' lag, records"),
            ("catch_up_seconds", "views caught up, s"),
        ],
        cases: &[
            Case {
                label: "8 groups",
                flags: "",
                full: "--groups 8",
            },
            Case {
                label: "1 000 groups",
                flags: "",
                full: "--groups 1000",
            },
            Case {
                label: "100 000 groups",
                flags: "",
                full: "--groups 100000",
            },
            Case {
                label: "1 000 groups, member's path",
                flags: "--path member",
                full: "--groups 1000 --joins 4000000",
            },
            Case {
                label: "1 000 groups, with projector",
                flags: "--projector",
                full: "--groups 1000 --joins 2000000",
            },
            Case {
                label: "1 000 groups, member's path, with projector",
                flags: "--path member --projector",
                full: "--groups 1000 --joins 1000000",
            },
        ],
    },
    Section {
        name: "snapshot",
        title: "Joins while snapshots are written",
        command: "joins",
        once: false,
        tiny: TINY_JOINS,
        columns: &[
            ("joins_per_s_before", "joins/s before"),
            ("joins_per_s_during", "joins/s during"),
            ("during_over_before", "ratio"),
            ("p99_us_before", "p99 µs before"),
            ("p99_us_during", "p99 µs during"),
            ("snapshots", "snapshots"),
        ],
        cases: &[Case {
            label: "1 000 groups, one snapshot after the other",
            flags: "--snapshot",
            full: "--groups 1000 --joins 8000000",
        }],
    },
    Section {
        name: "settle",
        title: "Settlement of groups of 100",
        command: "settle",
        once: false,
        tiny: "--members 1000 --seats 10 --groups 20 --bursts 2 --throughput-groups 40 --idle 0.2",
        columns: &[
            ("postings_per_s", "postings/s"),
            ("groups_per_s", "groups/s"),
            ("cpu_ns_per_posting", "CPU ns/posting"),
            ("idle_p99_us", "joins' p99 µs, idle"),
            ("settling_p99_us", "joins' p99 µs, 1 000 groups settling"),
            ("p99_ratio", "ratio"),
        ],
        cases: &[Case {
            label: "10 000 groups",
            flags: "",
            full: "",
        }],
    },
    Section {
        name: "recover",
        title: "Start from a long journal",
        command: "recover",
        once: false,
        tiny: "--events 20000 --after-snapshot 1000 --members 1000 --seats 10",
        columns: &[
            ("events", "events"),
            ("journal_seconds", "from the journal alone, s"),
            ("journal_events_per_s", "events/s"),
            ("journal_mb", "journal MB"),
            ("snapshot_seconds", "with snapshot, s"),
            ("snapshot_mb", "snapshot MB"),
            ("records_after_snapshot", "records after it"),
        ],
        cases: &[Case {
            label: "a million members",
            flags: "",
            full: "",
        }],
    },
    Section {
        name: "memory",
        title: "Memory",
        command: "memory",
        once: true,
        tiny: "--members 1000 --seats 10 --unsettled 1000 --settled 3000 --step 1000",
        columns: &[
            ("mb_per_million_members", "MB a million members"),
            (
                "mb_per_million_unsettled_seats",
                "MB a million unsettled seats",
            ),
            ("settled_seats", "settled seats"),
            ("growth_bytes_per_settled_group", "growth, bytes a group"),
            ("rss_mb_after_each_step", "RSS MB after each million"),
        ],
        cases: &[Case {
            label: "groups of 100",
            flags: "",
            full: "--settled 20000000",
        }],
    },
    Section {
        name: "growth",
        title: "Cost of a join in growing shops",
        command: "growth",
        once: false,
        tiny: "--members 1000,2000 --groups 5 --seats 10 --joins 3000",
        columns: &[
            ("members", "members"),
            ("cpu_ns_per_join", "CPU ns/join"),
            ("joins_per_s", "joins/s"),
            ("ratio", "largest over smallest"),
        ],
        cases: &[Case {
            label: "1 000 groups",
            flags: "",
            full: "",
        }],
    },
    Section {
        name: "http",
        title: "Joins over HTTP, client included",
        command: "http",
        once: false,
        tiny: "--singles 300 --batched 2000 --reservations 50 --whole 20",
        columns: &[
            ("single_joins_per_s", "single joins/s"),
            ("single_joins_p99_us", "p99 µs"),
            ("single_joins_cpu_ns_per_join", "CPU ns/join"),
            ("batch_joins_per_s", "joins/s in batches of 1 000"),
            ("batch_joins_p99_us", "a batch's p99 µs"),
            ("batch_joins_cpu_ns_per_join", "CPU ns/join"),
            ("reservations_per_s", "members' reservations/s"),
            ("member_joins_per_s", "members' joins/s, reserved and paid"),
        ],
        cases: &[Case {
            label: "256 connections",
            flags: "",
            full: "",
        }],
    },
    Section {
        name: "views",
        title: "Views after a burst of a million joins",
        command: "views",
        once: false,
        tiny: "--members 1000 --groups 5 --seats 10 --joins 3000",
        columns: &[
            ("rows_per_s", "rows/s"),
            ("records_per_s", "records/s"),
            ("lag_records", "lag after the burst, records"),
            ("catch_up_seconds", "caught up, s"),
            ("reads_per_s", "reads/s meanwhile"),
            ("group_page_p99_us", "a group's page, p99 µs"),
            ("my_groups_p99_us", "a member's groups, p99 µs"),
            ("cpu_ns_per_record", "CPU ns/record"),
        ],
        cases: &[Case {
            label: "gateway's path, one reader",
            flags: "",
            full: "",
        }],
    },
];
