package import MailModel

/// What a trusted host says of the client it speaks for (Postfix's XCLIENT_README).
package struct ClientOverride: Equatable, Sendable {
    package enum Attribute<Value: Equatable & Sendable>: Equatable, Sendable {
        /// Not named: what an earlier XCLIENT said stays, or what the connection shows.
        case kept
        /// `[UNAVAILABLE]` or `[TEMPUNAVAIL]`.
        case unavailable
        case value(Value)
    }

    /// ADDR.
    package var address = Attribute<IPAddress>.kept
    /// PORT.
    package var port = Attribute<Int>.kept
    /// DESTADDR, where the client connected to.
    package var destinationAddress = Attribute<IPAddress>.kept
    /// DESTPORT.
    package var destinationPort = Attribute<Int>.kept
    /// LOGIN: the name the client gave proof of to the host that speaks for it.
    package var login = Attribute<String>.kept
    /// HELO.
    var helo = Attribute<[UInt8]>.kept
    /// PROTO.
    var isESMTP: Bool?
}

extension ClientOverride {
    /// The attributes EHLO names. NAME is taken and decides nothing: this server goes by addresses.
    static let offer: StaticString = "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n"
    /// XCLIENT_README, note 1.
    private static let longestValue = 255

    /// - Returns: `nil` where an attribute is unknown, given twice, or has a bad value: then none of them counts.
    init?(_ line: Span<UInt8>, _ arguments: Int) {
        guard arguments < line.count else { return nil }
        // The reader wants the blank before each attribute.
        var reader = ParameterReader(at: arguments - 1)
        var seen: Set8 = []
        while true {
            switch reader.next(line) {
            case .end: return
            case .malformed: return nil
            case .parameter(let parameter):
                guard let value = parameter.value, read(line, parameter.keyword, value, &seen) else { return nil }
            }
        }
    }

    private mutating func read(
        _ line: Span<UInt8>, _ keyword: Range<Int>, _ value: Range<Int>, _ seen: inout Set8
    ) -> Bool {
        var bytes: [UInt8] = []
        guard XText.decode(line, value, into: &bytes), !bytes.isEmpty, bytes.count <= Self.longestValue else {
            return false
        }
        let isUnavailable =
            bytes.span.equals("[UNAVAILABLE]", in: 0..<bytes.count)
            || bytes.span.equals("[TEMPUNAVAIL]", in: 0..<bytes.count)
        if line.equals("NAME", in: keyword) { return seen.add(0) }
        if line.equals("ADDR", in: keyword) {
            return seen.add(1) && set(&address, isUnavailable, Self.address(bytes.span))
        }
        if line.equals("PORT", in: keyword) { return seen.add(2) && set(&port, isUnavailable, Self.port(bytes.span)) }
        if line.equals("PROTO", in: keyword) {
            isESMTP = bytes.span.equals("ESMTP", in: 0..<bytes.count)
            return seen.add(3) && (isESMTP == true || bytes.span.equals("SMTP", in: 0..<bytes.count))
        }
        if line.equals("HELO", in: keyword) {
            let isName = ServerSession.isClientName(bytes.span, 0..<bytes.count)
            return seen.add(4) && set(&helo, isUnavailable, isName ? bytes : nil)
        }
        if line.equals("LOGIN", in: keyword) {
            return seen.add(5) && set(&login, isUnavailable, String(validating: bytes, as: UTF8.self))
        }
        if line.equals("DESTADDR", in: keyword) {
            return seen.add(6) && set(&destinationAddress, isUnavailable, Self.address(bytes.span))
        }
        if line.equals("DESTPORT", in: keyword) {
            return seen.add(7) && set(&destinationPort, isUnavailable, Self.port(bytes.span))
        }
        return false
    }

    private func set<Value>(_ attribute: inout Attribute<Value>, _ isUnavailable: Bool, _ value: Value?) -> Bool {
        if isUnavailable { attribute = .unavailable } else if let value { attribute = .value(value) }
        return isUnavailable || value != nil
    }

    /// IPv4, or IPv6 behind `IPV6:`.
    private static func address(_ bytes: Span<UInt8>) -> IPAddress? {
        let prefix = 5
        if bytes.count > prefix, bytes.equals("IPV6:", in: 0..<prefix) {
            guard AddressLiteral.isIPv6(bytes, prefix..<bytes.count) else { return nil }
            return IPAddress(text: bytes, prefix..<bytes.count)
        }
        return AddressLiteral.isIPv4(bytes, 0..<bytes.count) ? IPAddress(text: bytes, 0..<bytes.count) : nil
    }

    private static func port(_ bytes: Span<UInt8>) -> Int? {
        guard let port = bytes.decimal(in: 0..<bytes.count), port <= 65_535 else { return nil }
        return port
    }
}
