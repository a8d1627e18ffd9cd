internal import FileStatus
internal import Yams

extension ValueKind where Value == SecretText {
    /// A path of a file with a secret, which is read together with the file that names it.
    static var secretFile: ValueKind {
        let path = ValueKind<String>.path
        return ValueKind(
            allowed: "a file with 32…512 visible ASCII characters in its first line, which others may not read",
            schema: path.schema,
            read: { node, reader in
                guard let path = path.read(node, reader) else { return nil }
                if let problem = ConfigurationReader.problem(readingFile: path) {
                    reader.report(node, "cannot be read: \(problem)")
                    return nil
                }
                guard FileStatus(path: path)?.isPrivate == true else {
                    reader.report(
                        node, "may be read by others, or written by its group; allowed: chmod 600, or 640 for a group")
                    return nil
                }
                do throws(ConfigurationError) {
                    if let secret = SecretText(try ConfigurationFile.read(path)) { return secret }
                } catch {
                    reader.report(error.issues)
                    return nil
                }
                reader.report(node, "has no secret of 32 to 512 visible ASCII characters in its first line")
                return nil
            }, show: { _ in nil })
    }
}

extension ValueKind {
    /// A path of a YAML file of its own, which is read and checked together with the file that names it.
    ///
    /// - Parameter content: Reads the root of that file; what is wrong there is told with that file's name and line.
    static func file(of content: ValueKind) -> ValueKind {
        let path = ValueKind<String>.path
        return ValueKind(
            allowed: path.allowed, schema: path.schema,
            read: { node, reader in
                guard let path = path.read(node, reader) else { return nil }
                if let problem = ConfigurationReader.problem(readingFile: path) {
                    reader.report(node, "cannot be read: \(problem)")
                    return nil
                }
                do throws(ConfigurationError) {
                    return try load(path, as: content)
                } catch {
                    reader.report(error.issues)
                    return nil
                }
            }, show: { _ in nil }, rows: { content.rows($0 + " → ") })
    }

    /// The file at a path, by itself.
    static func load(_ path: String, as content: ValueKind) throws(ConfigurationError) -> Value {
        let reader = ConfigurationReader(file: path)
        guard let root = try ConfigurationFile.compose(ConfigurationFile.read(path), file: path) else {
            throw ConfigurationError(issues: [
                ConfigurationIssue(
                    file: path, line: 0, key: "", value: nil, message: "is empty; it must hold \(content.allowed)")
            ])
        }
        reader.countNodes(root)
        let value = reader.issues.isEmpty ? content.read(root, reader) : nil
        try reader.throwIssues()
        guard let value else { preconditionFailure("a value is missing and nothing was reported") }
        return value
    }
}
