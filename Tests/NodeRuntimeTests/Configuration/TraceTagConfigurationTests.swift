import Foundation
import NodeRuntime
import Testing

/// `sender.trace_tag` and its key files.
@Suite struct TraceTagConfigurationTests {
    private static let secret = "0123456789abcdef0123456789abcdef"

    /// - Returns: The configuration, or errors without the folder in front.
    private func load(
        _ section: String, keys: [String: String] = ["k1": secret, "k2": secret + "2"], mode: Int = 0o600
    ) throws -> Result<TraceTagConfiguration, TestError> {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tags-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // left in the temporary folder at worst
        for (name, text) in keys {
            try text.write(toFile: "\(folder)/\(name).key", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(folder)/\(name).key")
        }
        try "sender:\n  trace_tag: \(section)\n".write(
            toFile: "\(folder)/apus.yaml", atomically: true, encoding: .utf8)
        do {
            return .success(try NodeConfiguration.load(path: "\(folder)/apus.yaml").sender.traceTag)
        } catch {
            return .failure(
                TestError(errors: error.issues.map { $0.description.replacing(folder + "/", with: "") }))
        }
    }

    struct TestError: Error, Equatable { var errors: [String] }

    @Test func theOnlyKeyIsTheCurrentOne() throws {
        let read = try load("{keys: {k1: k1.key}}").get()
        #expect(read.current == "k1" && read.keys.map(\.id) == ["k1"] && read.pools.isEmpty)
        #expect(read.keys.first?.secret == SecretText(Self.secret))
        #expect(try load("{keys: {k1: k1.key, k2: k2.key}, current: k2, pools: [default]}").get().current == "k2")
        #expect(try load("{keys: {k1: k1.key}, current: none}").get().current == nil)
        #expect(!"\(read)".contains("0123456789"))
        #expect(TraceTagConfiguration() == NodeConfiguration.default.sender.traceTag)
    }

    @Test(arguments: [
        ("{keys: {k1: k1.key, k2: k2.key}}", "sender.trace_tag.keys: has several keys"),
        ("{keys: {k1: k1.key}, current: k3}", "sender.trace_tag.current: \"k3\" names no key; allowed: k1"),
        ("{current: k1}", "names no key; allowed: none is defined"),
        ("{keys: {k.1: k1.key}}", "is not a name of a key"),
        ("{keys: {k1: other.key}}", "cannot be read: No such file"),
        ("{keys: {k1: short.key}}", "has no secret of 32 to 512"),
        ("{keys: {k1: k1.key}, pools: [bulk]}", "sender.trace_tag.pools[0]: \"bulk\" names no pool"),
        ("{keys: {k1: k1.key}, key: k1}", "unknown key"),
    ])
    func refusals(section: String, expected: String) throws {
        let result = try load(section, keys: ["k1": Self.secret, "k2": Self.secret, "short": "secret"])
        guard case .failure(let error) = result else {
            Issue.record("\(section) was taken")
            return
        }
        #expect(error.errors.contains { $0.contains(expected) && $0.contains("apus.yaml:") }, "\(error.errors)")
    }

    @Test(arguments: [0o644, 0o604, 0o620, 0o666]) func othersMayNotReadIt(mode: Int) throws {
        guard case .failure(let error) = try load("{keys: {k1: k1.key}}", mode: mode) else {
            Issue.record("mode \(mode) was taken")
            return
        }
        #expect(error.errors.first?.contains("may be read by others") == true, "\(error.errors)")
        #expect(!error.errors.joined().contains(Self.secret))
    }

    @Test func itsGroupMay() throws { #expect(try load("{keys: {k1: k1.key}}", mode: 0o640).get().keys.count == 1) }
}
