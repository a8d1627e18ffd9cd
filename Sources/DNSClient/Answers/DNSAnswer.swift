/// Types of records that mail asks for.
package enum RecordType: UInt16, Sendable, CustomStringConvertible {
    case a = 1
    case ptr = 12
    case mx = 15
    case txt = 16
    case aaaa = 28
    case tlsa = 52

    package var description: String {
        switch self {
        case .a: "A"
        case .ptr: "PTR"
        case .mx: "MX"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        case .tlsa: "TLSA"
        }
    }
}

package struct Question: Hashable, Sendable, CustomStringConvertible {
    package var name: String
    package var type: RecordType

    package init(_ name: String, _ type: RecordType) { (self.name, self.type) = (name, type) }

    package var description: String { "\(type) of \(name)" }
}

/// What the resolver found for one question, after following CNAMEs.
package struct DNSAnswer: Sendable, Equatable {
    package enum Status: Sendable, Equatable {
        /// RDATA in wire format, names in it not compressed; never empty.
        case records([[UInt8]])
        /// The name exists without records of that type.
        case noData
        case noSuchName
        /// SERVFAIL and other codes, time-out, failed validation; the text says which.
        case failed(String)
    }

    package var status: Status
    /// Seconds it may be kept.
    package var ttl: Int
    /// Proven by DNSSEC, also where it says that there is nothing.
    package var isSecure: Bool

    package init(_ status: Status, ttl: Int = 0, isSecure: Bool = false) {
        self.status = status
        self.ttl = ttl
        self.isSecure = isSecure
    }
}

/// RDATA of an MX record (RFC 1035 §3.3.9).
package struct MailExchange: Equatable {
    var preference: UInt16
    /// In lower case; empty for the root, which is the target of a null MX (RFC 7505).
    var name: String

    /// - Returns: `nil` for what is cut short, and for targets that cannot be names of hosts.
    package init?(rdata: [UInt8]) {
        guard rdata.count >= 3 else { return nil }
        var text: [UInt8] = []
        var index = 2
        while index < rdata.count, rdata[index] != 0 {
            let end = index + 1 + Int(rdata[index])
            guard rdata[index] < 64, end < rdata.count else { return nil }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for byte in rdata[index + 1..<end] {
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): text.append(byte | 0x20)
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    text.append(byte)
                default: return nil
                }
            }
            index = end
        }
        guard index < rdata.count, text.count <= 253 else { return nil }
        preference = UInt16(rdata[0]) << 8 | UInt16(rdata[1])
        name = String(decoding: text, as: UTF8.self)
    }

    var isNull: Bool { name.isEmpty }

    /// Whether the target is an address written as a name, which no DNS lookup answers: its last label is a number.
    var isAddress: Bool {
        let lastLabel = name.utf8.split(separator: UInt8(ascii: ".")).last
        return lastLabel?.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ?? false
    }
}
