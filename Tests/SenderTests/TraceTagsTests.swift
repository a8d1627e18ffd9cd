import MailModel
import MessageFormat
import NodeRuntime
import Sender
import Testing

/// Codes of trace tags.
@Suite struct TraceTagsTests {
    private let id = QueueID("01ARZ3NDEKTSV4RRFFQ69G5FAV")!

    private func tags(_ keys: [String: String], current: String?) throws -> TraceTags {
        var configuration = TraceTagConfiguration()
        configuration.keys = try keys.map {
            .init(id: $0.key, secret: try #require(SecretText(String(repeating: $0.value, count: 32))))
        }
        configuration.current = current
        return TraceTags(configuration)
    }

    @Test func ownTagsAreTrue() throws {
        let tags = try tags(["k1": "a"], current: "k1")
        let text = try #require(tags.tag(of: id, part: 1, recipient: 5, tenant: "acme"))
        let tag = try tags.check(text)
        #expect(tag.queueID == id && tag.part == 1 && tag.recipient == 5 && tag.tenant == "acme" && tag.keyID == "k1")
        let set = try tags.check(try #require(tags.tag(of: id, part: 1, recipient: nil, tenant: nil)))
        #expect(set.recipient == nil && set.tenant == nil)
    }

    /// Also changes that would read the same: case of the queue ID, spare bits at the end of a base64 text.
    @Test func noCharacterCanBeChanged() throws {
        let tags = try tags(["k1": "a"], current: "k1")
        let text = Array(try #require(tags.tag(of: id, part: 0, recipient: 12, tenant: "acme")).utf8)
        let others = Array("abcABC019._-KQgw".utf8)
        var tried = 0
        for index in text.indices {
            for other in others where other != text[index] {
                var altered = text
                altered[index] = other
                #expect(throws: TraceTags.Refusal.self) { try tags.check(String(decoding: altered, as: UTF8.self)) }
                tried += 1
            }
            var shorter = text
            shorter.remove(at: index)
            #expect(throws: TraceTags.Refusal.self) { try tags.check(String(decoding: shorter, as: UTF8.self)) }
        }
        #expect(tried > 500)
        let lower = String(decoding: text, as: UTF8.self).replacing("\(id)", with: "\(id)".lowercased())
        #expect(throws: TraceTags.Refusal.forged) { try tags.check(lower) }
    }

    @Test func keysAreRotated() throws {
        let old = try #require(try tags(["k1": "a"], current: "k1").tag(of: id, part: 0, recipient: 0, tenant: nil))
        let rotated = try tags(["k1": "a", "k2": "b"], current: "k2")
        #expect(try rotated.check(old).keyID == "k1")
        #expect(rotated.tag(of: id, part: 0, recipient: 0, tenant: nil)?.hasPrefix("k2.") == true)
        #expect(throws: TraceTags.Refusal.unknownKey("k1")) { try tags(["k2": "b"], current: "k2").check(old) }
        #expect(throws: TraceTags.Refusal.forged) { try tags(["k1": "b"], current: "k1").check(old) }
        let retired = try tags(["k1": "a"], current: nil)
        #expect(try retired.check(old).queueID == id)
        #expect(retired.tag(of: id, part: 0, recipient: 0, tenant: nil) == nil)
        #expect("\(try #require(SecretText(String(repeating: "s", count: 32))))" == "(secret)")
    }
}
