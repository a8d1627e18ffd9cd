internal import MailModel

extension NodeConfiguration {
    /// Fills in what depends on other keys.
    mutating func resolveDefaults() {
        for index in ingress.listeners.indices { resolveTLS(ofListener: index) }
        for index in sender.sources.indices where sender.sources[index].ehlo == ConfigurationTable.unsetName {
            sender.sources[index].ehlo = ingress.hostname
        }
        guard sender.pool(named: sender.defaultPool) == nil, sender.defaultPool == "default" else { return }
        sender.sources.append(
            SourceConfiguration(name: SourceConfiguration.unbound, address: nil, ehlo: ingress.hostname))
        let member = PoolConfiguration.Member(source: SourceConfiguration.unbound, weight: 1)
        sender.pools.append(PoolConfiguration(name: "default", members: [member]))
    }

    private mutating func resolveTLS(ofListener index: Int) {
        let own = ingress.listeners[index].givenTLS
        guard let certificate = own?.certificate ?? ingress.tls.certificate, let key = own?.key ?? ingress.tls.key
        else {
            return
        }
        ingress.listeners[index].tls = ServerTLSConfiguration(
            certificate: certificate, key: key, isRequired: own?.isRequired ?? false)
    }

    /// Reports contradictions between keys, then fills in what depends on other keys.
    mutating func resolve(_ reader: ConfigurationReader) {
        checkPools(reader)
        resolveDefaults()
        checkListeners(reader)
        checkSender(reader)
        checkTraceTag(reader)
        checkVERP(reader)
        checkRoutes(reader)
        checkHTTP(reader)
        http.isSocketRequired = http.socket != nil && reader.gave("http.socket")
    }

    private func checkPools(_ reader: ConfigurationReader) {
        let names = sender.sources.map(\.name)
        if names.contains(SourceConfiguration.unbound) {
            reader.report(key: "sender.sources.unbound", "is the name of the implicit source; choose another")
        }
        for pool in sender.pools {
            let key = "sender.pools.\(pool.name)"
            for member in pool.members where !names.contains(member.source) {
                // A source with an error of its own is missing here and was reported there.
                guard !reader.gave("sender.sources.\(member.source)") else { continue }
                let hint = NearestName.of(member.source, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
                let known =
                    names.isEmpty ? "none is defined" : "defined are \(names.prefix(20).joined(separator: ", "))"
                reader.report(key: "\(key).\(member.source)", "names no source of sender.sources (\(known))\(hint)")
            }
            if pool.members.allSatisfy({ $0.weight == 0 }) {
                reader.report(key: key, "has no source with a weight of 1 or more")
            }
        }
        if reader.gave("sender.default_pool"), sender.pool(named: sender.defaultPool) == nil {
            reader.report(
                key: "sender.default_pool", value: sender.defaultPool, "names no pool; allowed: \(poolNames)")
        }
    }

    private var poolNames: String {
        sender.pools.isEmpty ? "none is defined" : sender.pools.prefix(20).map(\.name).joined(separator: ", ")
    }

    private func checkListeners(_ reader: ConfigurationReader) {
        checkPair(ingress.tls, key: "ingress.tls", reader)
        if ingress.tarpit.delay > .zero, ingress.tarpit.after >= ingress.errorsLimit {
            reader.report(
                key: "ingress.tarpit.after", value: "\(ingress.tarpit.after)",
                "is never reached: ingress.errors_limit (\(ingress.errorsLimit)) closes the session before")
        }
        if ingress.verify.positiveRefresh > ingress.verify.positiveExpire {
            reader.report(key: "ingress.verify.positive_refresh", "is longer than positive_expire")
        }
        var seen: [ListenAddress: Int] = [:]
        var names: [String: Int] = [:]
        for (index, listener) in ingress.listeners.enumerated() {
            let key = "ingress.listeners[\(index)]"
            if let first = seen.updateValue(index, forKey: listener.address) {
                reader.report(
                    key: "\(key).address", value: "\(listener.address)", "is the address of listeners[\(first)] as well"
                )
            } else if let first = names.updateValue(index, forKey: listener.name) {
                reader.report(key: "\(key).name", value: listener.name, "is the name of listeners[\(first)] as well")
            }
            for section in ["proxy_protocol", "xclient"] {
                let from = section == "xclient" ? listener.xclient.from : listener.proxyProtocol.from
                guard from.isEmpty, reader.gave("\(key).\(section)"), !reader.gave("\(key).\(section).from[0]") else {
                    continue
                }
                reader.report(key: "\(key).\(section)", "believes nobody: set \(section).from, or leave it out")
            }
            if let own = listener.givenTLS { checkPair(own, key: "\(key).tls", reader) }
            guard listener.tls == nil else { continue }
            if listener.tlsOnConnect {
                reader.report(key: "\(key).tls_on_connect", "needs a certificate: set tls here or ingress.tls")
            } else if listener.givenTLS?.isRequired == true {
                reader.report(key: "\(key).tls.required", "needs a certificate: set it here or in ingress.tls")
            }
        }
    }

    private func checkPair(_ files: TLSFiles, key: String, _ reader: ConfigurationReader) {
        if files.certificate != nil, files.key == nil {
            reader.report(key: "\(key).certificate", "needs a key: set \(key).key")
        } else if files.key != nil, files.certificate == nil {
            reader.report(key: "\(key).key", "needs a certificate: set \(key).certificate")
        }
    }

    private func checkSender(_ reader: ConfigurationReader) {
        let lane = sender.lane
        if reader.gave("sender.lane.start_connections"), lane.givenStartConnections > lane.connections {
            reader.report(
                key: "sender.lane.start_connections", value: "\(lane.givenStartConnections)",
                "is above sender.lane.connections (\(lane.connections))")
        }
        if let delay = sender.dsn.delay, delay >= sender.lifetime {
            reader.report(
                key: "sender.dsn.delay", value: Units.show(delay),
                "is never reached: sender.lifetime (\(Units.show(sender.lifetime))) ends before")
        }
        if sender.ready.memory > sender.ready.totalMemory {
            let key = reader.gave("sender.ready.memory") ? "memory" : "total_memory"
            reader.report(key: "sender.ready.\(key)", "makes memory of one lane larger than total_memory of all")
        }
        if sender.deadHost.max < sender.deadHost.first {
            reader.report(key: "sender.dead_host", "has a max below first")
        }
        if sender.retry.default.max < sender.retry.default.first {
            reader.report(key: "sender.retry.default", "has a max below first")
        }
        for (retryClass, rule) in sender.retry.classes {
            guard let max = rule.max, max < rule.first ?? sender.retry.default.first else { continue }
            reader.report(key: "sender.retry.\(retryClass.rawValue)", "has a max below first")
        }
        if reader.gave("sender.family") {
            for source in sender.sources {
                guard let address = source.address else { continue }
                let fits = sender.family == .both || (sender.family == .ipv6) == address.isIPv6
                guard !fits else { continue }
                reader.report(
                    key: "sender.sources.\(source.name).address", value: "\(address)",
                    "can never be used with sender.family: \(sender.family.rawValue)")
            }
        }
    }

    private func checkVERP(_ reader: ConfigurationReader) {
        for rule in sender.verp
        where sender.pool(named: rule.pool) == nil && !reader.gave("sender.pools.\(rule.pool)") {
            reader.report(key: "sender.verp.\(rule.pool)", "names no pool; allowed: \(poolNames)")
        }
    }

    private mutating func checkTraceTag(_ reader: ConfigurationReader) {
        let (tag, key) = (sender.traceTag, "sender.trace_tag")
        let names = tag.keys.map(\.id)
        if let current = tag.current {
            // A key with an error of its own is missing here and was reported there.
            if !names.contains(current), !reader.gave("\(key).keys.\(current)") {
                let known = names.isEmpty ? "none is defined" : names.joined(separator: ", ")
                reader.report(key: "\(key).current", value: current, "names no key; allowed: \(known)")
            }
        } else if !reader.gave("\(key).current") {
            if names.count > 1 {
                reader.report(key: "\(key).keys", "has several keys: set \(key).current to one of them")
            }
            sender.traceTag.current = names.first
        }
        for (index, pool) in tag.pools.enumerated()
        where sender.pool(named: pool) == nil && !reader.gave("sender.pools.\(pool)") {
            reader.report(key: "\(key).pools[\(index)]", value: pool, "names no pool; allowed: \(poolNames)")
        }
    }

    private func checkRoutes(_ reader: ConfigurationReader) {
        var seen: Set<RoutePattern> = []
        for route in routes.entries {
            let key = "routes.\(route.pattern)"
            if !seen.insert(route.pattern).inserted {
                reader.report(key: key, "is given twice; the first match wins")
            } else if seen.contains(.any), route.pattern != .any {
                reader.report(key: key, "is never reached: \"*\" before it matches everything")
            }
            if let pool = route.pool, sender.pool(named: pool) == nil, !reader.gave("sender.pools.\(pool)") {
                reader.report(key: "\(key).pool", value: pool, "names no pool; allowed: \(poolNames)")
            }
            if case .lmtp(let hosts) = route.action { checkLMTP(hosts, of: route, key: key, reader) }
            checkMaildir(route, key: key, reader)
        }
    }

    private func checkLMTP(
        _ hosts: [HostOrSocket], of route: RouteConfiguration, key: String, _ reader: ConfigurationReader
    ) {
        if route.port == 25 { reader.report(key: "\(key).port", value: "25", "is not for LMTP (RFC 2033 §5)") }
        guard hosts.allSatisfy(\.isSocket) else { return }
        // Mail for a Unix socket does not leave the machine.
        refuse(["tls", "pool", "port"], of: "a Unix socket", key: key, reader)
    }

    private func checkMaildir(_ route: RouteConfiguration, key: String, _ reader: ConfigurationReader) {
        if case .maildir = route.action {
            let foreign = ["tls", "chunking", "pool", "port", "messages_per_connection", "connection_rate"]
            refuse(foreign, of: "a Maildir", key: key, reader)
        } else {
            refuse(["create"], of: "anything but a Maildir", key: key, reader)
        }
    }

    private func refuse(_ names: [String], of what: String, key: String, _ reader: ConfigurationReader) {
        for name in names where reader.gave("\(key).\(name)") {
            reader.report(key: "\(key).\(name)", "means nothing for \(what); leave it out")
        }
    }

    private func checkHTTP(_ reader: ConfigurationReader) {
        // sun_path holds 108 bytes with the final zero (unix(7)); the node binds under a name 16 bytes longer first.
        if let socket = http.socket, socket.utf8.count > 90 {
            reader.report(key: "http.socket", value: socket, "is longer than 90 bytes")
        }
        if let address = http.address, let index = ingress.listeners.firstIndex(where: { $0.address == address }) {
            reader.report(
                key: "http.address", value: "\(address)", "is the address of ingress.listeners[\(index)] as well")
        }
    }
}
