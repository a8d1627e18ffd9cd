/// A metric as it is declared, once: what it means and when somebody should look.
package struct MetricDeclaration: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case counter
        case gauge
        /// Upper bounds of the buckets, rising, without the last one of infinity.
        case histogram([Double])
    }

    package let name: String
    package let kind: Kind
    /// One sentence; the HELP line.
    package let help: String
    /// Labels from bounded sets that no peer chooses.
    package let labels: [String]
    /// When to alert; `nil` where the metric is for graphs only.
    package let alert: String?

    package init(_ name: String, _ kind: Kind, labels: [String] = [], _ help: String, alert: String? = nil) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
        self.alert = alert
    }

    /// From half a millisecond to ten minutes: a commit, a reply, a whole attempt.
    package static let seconds: Kind = .histogram([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600,
    ])
}

extension MetricDeclaration {
    package static let acceptedRecipients = MetricDeclaration(
        "apus_accepted_recipients_total", .counter, labels: ["listener"],
        "Recipients of messages that were answered 250 and are in the spool.")
    package static let rejectedRecipients = MetricDeclaration(
        "apus_rejected_recipients_total", .counter, labels: ["listener", "reason"],
        "Recipients and messages refused at ingress.")
    package static let rejectionsWithoutEvent = MetricDeclaration(
        "apus_rejections_without_event_total", .counter, labels: ["listener"],
        "Refusals that no event was written for: beyond 20 of one session, or 100 a second.")
    package static let clientLimitRefusals = MetricDeclaration(
        "apus_client_limit_refusals_total", .counter, labels: ["listener", "limit"],
        "Connections, MAIL and RCPT refused because their client was over a limit of ingress.client_limits or over "
            + "connections_per_client.", alert: "it rises and no attack is known: a limit is too low for a good client")
    package static let accessRefusals = MetricDeclaration(
        "apus_access_refusals_total", .counter, labels: ["listener", "table"],
        "Connections and MAIL refused by a table of ingress.tables.access.")
    package static let accessDiscards = MetricDeclaration(
        "apus_access_discards_total", .counter, labels: ["listener"],
        "Messages answered 250 and thrown away, as a table of ingress.tables.access says.",
        alert: "it rises and nobody meant to throw mail away")
    package static let callOuts = MetricDeclaration(
        "apus_call_outs_total", .counter, labels: ["result"],
        "Recipients that were asked for at the host of their domain, as ingress.verify says.",
        alert: "most are unanswered: a host of ingress.verify is down, and mail for its domain is put off")
    package static let earlyTalkers = MetricDeclaration(
        "apus_early_talkers_total", .counter, labels: ["listener"],
        "Connections refused because the client wrote before the greeting.")
    package static let proxyHeaderRefusals = MetricDeclaration(
        "apus_proxy_header_refusals_total", .counter, labels: ["listener"],
        "Connections of balancers closed because no valid PROXY header came.",
        alert: "any: the balancer does not send what proxy_protocol says it does")
    package static let unconfirmedMessages = MetricDeclaration(
        "apus_unconfirmed_messages_total", .counter, labels: ["listener"],
        "Messages answered 451 whose records may be in the spool all the same.",
        alert: "any: the spool does not keep up")
    package static let outcomes = MetricDeclaration(
        "apus_outcomes_total", .counter, labels: ["type", "class", "provider"],
        "Committed outcomes of recipients.", alert: "the share of deferred or failed departs from its usual value")
    package static let plainReversePaths = MetricDeclaration(
        "apus_verp_plain_total", .counter, labels: ["pool"],
        "Attempts of recipients that went out from the message's own reverse-path, because that of sender.verp would be "
            + "too long.", alert: "it rises as the deliveries do: the template is too long")
    package static let queuedRecipients = MetricDeclaration(
        "apus_queued_recipients", .gauge, labels: ["state"],
        "Recipients that are neither delivered nor ended otherwise.", alert: "it rises for an hour")
    package static let suppressions = MetricDeclaration(
        "apus_suppressions", .gauge, "Entries of the suppression list, those included that ended since the start.",
        alert: "it falls to 0, or rises in a day as in a month before")
    package static let conservationDifference = MetricDeclaration(
        "apus_conservation_difference", .gauge, labels: ["partition"],
        "Recipients accepted less those ended and queued.", alert: "not 0: mail was lost or counted twice")
    package static let spoolLag = MetricDeclaration(
        "apus_spool_lag_records", .gauge, labels: ["partition"],
        "Records of mail that the sender has still to read; after a start also those it reads again.",
        alert: "it rises for minutes: the sender does not keep up with ingress")
    package static let intakePaused = MetricDeclaration(
        "apus_intake_paused", .gauge, labels: ["partition"],
        "1 while mail of a partition is not read from the spool, as sender.max_queued messages wait, or a quarter of them.",
        alert: "1 for minutes: find what does not leave with `apus queue list`, or raise sender.max_queued")
    package static let uncommittedAttempts = MetricDeclaration(
        "apus_uncommitted_attempts", .gauge,
        "Attempts begun whose outcome is not committed: what a kill would repeat.",
        alert: "at sender.max_uncommitted for a minute: commits do not keep up")
    package static let appendSeconds = MetricDeclaration(
        "apus_append_seconds", seconds, "Time until the spool confirmed the records of a message.",
        alert: "99 % above 1 s")
    package static let commitSeconds = MetricDeclaration(
        "apus_commit_seconds", seconds, "Time of a transaction of outcomes.", alert: "99 % above 1 s")
    package static let attemptSeconds = MetricDeclaration(
        "apus_attempt_seconds", seconds, labels: ["phase"], "Time of an attempt by phase.")
    package static let connections = MetricDeclaration(
        "apus_connections", .gauge, labels: ["direction"], "Open SMTP connections, in or out.",
        alert: "in: near ingress.connections")
    package static let recordsSetAside = MetricDeclaration(
        "apus_records_set_aside_total", .counter, labels: ["topic"],
        "Records that could not be read and were put aside.", alert: "any")
    package static let patternLimits = MetricDeclaration(
        "apus_pattern_limits_total", .counter, labels: ["rule"],
        "Searches that ended as no match because the pattern of a rule reached a limit.",
        alert: "any: the pattern backtracks without bound and is to be rewritten")
    package static let droppedSeries = MetricDeclaration(
        "apus_metric_series_dropped_total", .counter, labels: ["metric"],
        "Uses of label values beyond the limit of series.", alert: "any: a label is not bounded")
    package static let lostLogLines = MetricDeclaration(
        "apus_log_lines_lost_total", .counter, "Log lines that standard error did not take.", alert: "any")
    package static let processStart = MetricDeclaration(
        "process_start_time_seconds", .gauge, "Start of the process since the Unix epoch in seconds.")
    package static let residentMemory = MetricDeclaration(
        "process_resident_memory_bytes", .gauge, "Resident memory.", alert: "near the limit of the unit or container")
    package static let openFiles = MetricDeclaration(
        "process_open_fds", .gauge, "Open file descriptors.", alert: "above 80 % of the limit")
}
