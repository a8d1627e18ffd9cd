import Crypto
package import MailModel
package import MessageFormat
import NIOCore
package import NodeRuntime

/// Makes and checks the codes of trace tags with the node's keys.
package struct TraceTags: Sendable {
    /// Why a tag says nothing.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        case noTag
        case unknownKey(String)
        case forged

        package var description: String {
            switch self {
            case .noTag: "not ours: it is not a trace tag"
            case .unknownKey(let id): "not ours: no key is named \(id) in sender.trace_tag.keys"
            case .forged: "not ours: its code does not fit, so it was forged or altered"
            }
        }
    }

    /// 128 bits of HMAC-SHA256: nobody finds one by trying (RFC 2104 §5).
    private static let codeLength = 16
    /// Other uses of a key, should there be any, make other codes.
    private static let purpose = "apus-ref-1:"

    private let keys: [String: SymmetricKey]
    private let current: String?
    /// Empty: all.
    private let pools: Set<String>

    package init(_ configuration: TraceTagConfiguration) {
        var keys: [String: SymmetricKey] = [:]
        for key in configuration.keys { keys[key.id] = key.secret.withBytes { SymmetricKey(data: $0) } }
        self.keys = keys
        current = configuration.current
        pools = Set(configuration.pools)
    }

    /// The field in front of a message that leaves; `nil` where its pool has none, or nobody has.
    func field(_ key: QueuedMessage.Key, recipient: Int?, tenant: String?, pool: String) -> ByteBuffer? {
        guard pools.isEmpty || pools.contains(pool) else { return nil }
        let tag = tag(of: key.queueID, part: key.part, recipient: recipient, tenant: tenant)
        return tag.map { ByteBuffer(string: "\(TraceTag.field): \($0)\r\n") }
    }

    /// - Returns: `nil` where no key is the current one.
    package func tag(of queueID: QueueID, part: Int, recipient: Int?, tenant: String?) -> String? {
        guard let current, let secret = keys[current] else { return nil }
        return Self.text(
            TraceTag(keyID: current, queueID: queueID, part: part, recipient: recipient, tenant: tenant), secret)
    }

    /// - Returns: What the tag says, which is true.
    package func check(_ text: String) throws(Refusal) -> TraceTag {
        guard let tag = TraceTag(text) else { throw .noTag }
        guard let secret = keys[tag.keyID] else { throw .unknownKey(tag.keyID) }
        // Written anew, a tag has one text only: nothing in it can be changed, not even in a way that reads the same.
        guard Self.equal(Array(Self.text(tag, secret).utf8), Array(text.utf8)) else { throw .forged }
        return tag
    }

    private static func text(_ tag: TraceTag, _ secret: SymmetricKey) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(purpose)\(tag.claims)".utf8), using: secret)
        return tag.text(code: Array(code.prefix(codeLength)))
    }

    /// Without telling by its time how much was right.
    private static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
