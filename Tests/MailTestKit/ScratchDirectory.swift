import Foundation

/// A directory of its own for a test, gone when the value is.
package final class ScratchDirectory: Sendable {
    package let path: String

    package init(_ name: String = "apus-test") throws {
        path = NSTemporaryDirectory() + "\(name)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// - Returns: The file's path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        let path = file(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    package func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: file(name))), as: UTF8.self)
    }

    deinit {
        // Left-overs in a temporary directory harm nobody; a test must not fail for them.
        try? FileManager.default.removeItem(atPath: path)
    }
}
