internal import FileStatus
internal import Glibc
internal import Yams

/// From a path to a YAML tree, within limits.
enum ConfigurationFile {
    static let sizeLimit = 1_000_000
    /// Uses of an anchor in a file: few enough that no arrangement of them multiplies into much.
    static let aliasLimit = 16

    static func read(_ path: String) throws(ConfigurationError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path, "cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard FileStatus(descriptor: descriptor)?.isRegular == true else { throw failure(path, "is not a file") }
        var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + length, $0.count - length)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, "cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            length += count
        }
        guard length <= sizeLimit else { throw failure(path, "is larger than 1 MB") }
        guard let text = String(validating: bytes[..<length], as: UTF8.self) else {
            throw failure(path, "is not UTF-8")
        }
        return text
    }

    /// - Returns: `nil` for a file without content.
    static func compose(_ text: String, file: String) throws(ConfigurationError) -> Node? {
        guard text.utf8.count <= sizeLimit else { throw failure(file, "is larger than 1 MB") }
        if let line = lineOfLastAllowedAlias(text) {
            throw failure(file, "uses more than \(aliasLimit) aliases (*name)", line: line)
        }
        do {
            return try Yams.compose(yaml: text, .basic, .default, .utf8)
        } catch let error as YamlError {
            throw issue(error, file: file)
        } catch {
            throw failure(file, "is not YAML: \(error)")
        }
    }

    private static func failure(_ file: String, _ message: String, line: Int = 0) -> ConfigurationError {
        ConfigurationError(issues: [
            ConfigurationIssue(file: file, line: line, key: "", value: nil, message: message)
        ])
    }

    private static func issue(_ error: YamlError, file: String) -> ConfigurationError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return failure(file, "is not YAML: \(problem) (column \(mark.column))", line: mark.line)
        case .duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? ""
            return ConfigurationError(issues: [
                ConfigurationIssue(
                    file: file, line: context.mark.line, key: key, value: nil,
                    message: "is given twice in one mapping; each key is allowed once")
            ])
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { 1 + yaml.prefix($0).count(where: \.isNewline) } ?? 0
            return failure(file, "is not YAML: \(problem)", line: line)
        default:
            return failure(file, "is not YAML: \(error)")
        }
    }

    /// The line where aliases become too many. Counted before the tree is made, as aliases multiply there; a `*name` in
    /// a comment or a text counts as well, which costs nobody anything.
    private static func lineOfLastAllowedAlias(_ text: String) -> Int? {
        var (line, count) = (1, 0)
        var previous = UInt8(ascii: " ")
        var isCandidate = false
        for byte in text.utf8 {
            if isCandidate, isNameByte(byte) {
                count += 1
                if count > aliasLimit { return line }
            }
            isCandidate = byte == UInt8(ascii: "*") && " \t\n\r[{,:?-".utf8.contains(previous)
            if byte == UInt8(ascii: "\n") { line += 1 }
            previous = byte
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...0xFF: true
        default: false
        }
    }
}
