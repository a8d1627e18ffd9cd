internal import CUnbound

/// A libunbound context whose queries run on a thread of the library. The one place that calls it.
///
/// Its owner calls it from one thread only; callbacks come out of `process` on that thread.
final class UnboundContext {
    private let context: OpaquePointer

    init(_ configuration: DNSConfiguration) throws(ResolverError) {
        guard let context = ub_ctx_create() else {
            throw ResolverError(.resources, "libunbound could not be started")
        }
        self.context = context
        // Its log would go to standard error, without our format.
        ub_ctx_debugout(context, nil)
        ub_ctx_async(context, 1)
        let isForwarding = try setServers(configuration)
        // Room for a sender's many destinations; the library's defaults are for one program's few.
        try set("outgoing-range:", "512")
        try set("num-queries-per-thread:", "2048")
        try set("msg-cache-size:", "8m")
        try set("rrset-cache-size:", "16m")
        // A forwarder that was down is asked again at once instead of being left alone for minutes.
        try set("infra-keep-probing:", "yes")
        try set("infra-host-ttl:", "60")
        if let file = configuration.trustAnchors {
            try check(ub_ctx_add_ta_file(context, file), "trust anchors \(file)")
        }
        // Ends the settings: libunbound takes no other after this.
        for zone in Self.reservedZones where isForwarding {
            try check(ub_ctx_zone_remove(context, zone), "zone \(zone)")
        }
    }

    /// RFC 6761: libunbound answers them itself, but servers of one's own may serve them, unsigned.
    private static let reservedZones = ["test.", "invalid."]

    deinit { ub_ctx_delete(context) }

    /// - Returns: Whether there are any; without them it recurses.
    private func setServers(_ configuration: DNSConfiguration) throws(ResolverError) -> Bool {
        var servers = configuration.servers
        if servers.isEmpty { servers = ResolvConf.servers(in: TextFile.read(configuration.resolvConf) ?? "") }
        guard !servers.isEmpty else { return false }
        for server in servers { try check(ub_ctx_set_fwd(context, server), "DNS server \(server)") }
        try set("do-not-query-localhost:", "no")
        for zone in Self.reservedZones { try set("domain-insecure:", zone) }
        return true
    }

    private func set(_ option: String, _ value: String) throws(ResolverError) {
        try check(ub_ctx_set_option(context, option, value), "\(option) \(value)")
    }

    private func check(_ code: CInt, _ subject: String) throws(ResolverError) {
        guard code != 0 else { return }
        throw ResolverError(.configuration, "\(subject): \(Self.text(of: code))")
    }

    private static func text(of code: CInt) -> String { String(cString: ub_strerror(code)) }

    /// Readable when `process` has something to do.
    var descriptor: CInt { ub_fd(context) }

    /// Runs the callbacks of all queries that have ended.
    ///
    /// - Returns: `false` when the library's thread cannot be reached any more.
    func process() -> Bool { ub_process(context) == 0 }

    /// Starts a query; `query.answered` is called from `process`, unless it is cancelled before.
    ///
    /// - Returns: What prevented it.
    func ask(_ query: UnboundQuery) -> String? {
        let pointer = Unmanaged.passUnretained(query).toOpaque()
        let code = ub_resolve_async(
            context, query.question.name, CInt(query.question.type.rawValue), 1, pointer,
            { pointer, code, result in
                guard let pointer else { return }
                let query = Unmanaged<UnboundQuery>.fromOpaque(pointer).takeUnretainedValue()
                let answer = UnboundContext.answer(code, result)
                if let result { ub_resolve_free(result) }
                query.answered(query, answer)
            }, &query.identifier)
        return code == 0 ? nil : Self.text(of: code)
    }

    /// - Returns: Whether `answered` will certainly not be called.
    func cancel(_ query: UnboundQuery) -> Bool { ub_cancel(context, query.identifier) == 0 }

    private static func answer(_ code: CInt, _ result: UnsafeMutablePointer<ub_result>?) -> DNSAnswer {
        guard code == 0, let result = result?.pointee else { return DNSAnswer(.failed(text(of: code))) }
        let isSecure = result.secure != 0
        let ttl = max(Int(result.ttl), 0)
        if result.bogus != 0 {
            let why = result.why_bogus.map { String(cString: $0) } ?? "no reason given"
            return DNSAnswer(.failed("DNSSEC validation failed: \(why)"))
        }
        if result.havedata != 0, let data = result.data, let lengths = result.len {
            var records: [[UInt8]] = []
            while let record = data[records.count], records.count < maximumRecords {
                let bytes = UnsafeRawBufferPointer(start: record, count: Int(lengths[records.count]))
                records.append(Array(bytes))
            }
            if !records.isEmpty { return DNSAnswer(.records(records), ttl: ttl, isSecure: isSecure) }
        }
        switch result.rcode {
        case 0: return DNSAnswer(.noData, ttl: ttl, isSecure: isSecure)
        case 3: return DNSAnswer(.noSuchName, ttl: ttl, isSecure: isSecure)
        case 2: return DNSAnswer(.failed("SERVFAIL"))
        case 5: return DNSAnswer(.failed("REFUSED"))
        default: return DNSAnswer(.failed("response code \(result.rcode)"))
        }
    }

    /// Of one answer; a message of 64 KiB holds some 4,000.
    private static let maximumRecords = 256
}

/// A query under way. Its owner keeps it alive until it is answered or cancelled.
final class UnboundQuery {
    let question: Question
    let answered: (UnboundQuery, DNSAnswer) -> Void
    fileprivate(set) var identifier: CInt = 0

    init(_ question: Question, answered: @escaping (UnboundQuery, DNSAnswer) -> Void) {
        self.question = question
        self.answered = answered
    }
}
