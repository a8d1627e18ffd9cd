internal import FileStatus
internal import Glibc
internal import Yams

/// Walks a tree, remembers where each key stood, and collects what is wrong. Used by one thread.
final class ConfigurationReader {
    static let depthLimit = 16
    /// Nodes of a file with its aliases followed.
    static let nodeLimit = 100_000

    let file: String
    private(set) var issues: [ConfigurationIssue] = []
    /// Of other files that this one names, in their order.
    private var issuesOfOthers: [ConfigurationIssue] = []
    private var path: [String] = []
    private var lines: [String: Int] = [:]

    init(file: String) { self.file = file }

    /// Refuses trees that are too deep or, through aliases, too large, before anything else walks them.
    func countNodes(_ root: Node) {
        var open = [(root, 1)]
        var count = 0
        while let (node, depth) = open.popLast() {
            count += 1
            guard depth <= Self.depthLimit else {
                return report(node, "is nested deeper than \(Self.depthLimit) levels")
            }
            guard count <= Self.nodeLimit else {
                return report(node, "makes the file larger than \(Self.nodeLimit) values")
            }
            switch node {
            case .sequence(let items): open += items.map { ($0, depth + 1) }
            case .mapping(let pairs): open += pairs.flatMap { [($0.key, depth + 1), ($0.value, depth + 1)] }
            case .scalar, .alias: break
            }
        }
    }

    var currentPath: String { path.joined() }

    /// Reads what is below a key.
    func inside<Result>(key: String, at node: Node, _ body: () -> Result) -> Result {
        inside(component: path.isEmpty ? key : ".\(key)", at: node, body)
    }

    func inside<Result>(index: Int, at node: Node, _ body: () -> Result) -> Result {
        inside(component: "[\(index)]", at: node, body)
    }

    private func inside<Result>(component: String, at node: Node, _ body: () -> Result) -> Result {
        path.append(component)
        defer { path.removeLast() }
        lines[currentPath] = node.mark?.line ?? 0
        return body()
    }

    /// Whether the file has this key.
    func gave(_ key: String) -> Bool { lines[key] != nil }

    func report(_ node: Node, _ message: String) {
        var value: String?
        if case .scalar(let scalar) = node { value = scalar.string }
        add(line: node.mark?.line ?? 0, key: currentPath, value: value, message)
    }

    /// Reports a contradiction at the line of a key, or of the nearest key around it.
    func report(key: String, value: String? = nil, _ message: String) {
        var place = Substring(key)
        while !place.isEmpty, lines[String(place)] == nil {
            place = place.lastIndex { $0 == "." || $0 == "[" }.map { place[..<$0] } ?? ""
        }
        add(line: lines[String(place)] ?? 0, key: key, value: value, message)
    }

    private func add(line: Int, key: String, value: String?, _ message: String) {
        guard issues.count < 10_000 else { return }
        issues.append(ConfigurationIssue(file: file, line: line, key: key, value: value, message: message))
    }

    /// Adds what is wrong with a file that this one names.
    func report(_ others: [ConfigurationIssue]) { issuesOfOthers += others }

    /// In the order of the file; those of other files follow.
    var sortedIssues: [ConfigurationIssue] {
        let order = issues.indices.sorted { (issues[$0].line, $0) < (issues[$1].line, $1) }
        return order.map { issues[$0] } + issuesOfOthers
    }

    func throwIssues() throws(ConfigurationError) {
        guard !issues.isEmpty || !issuesOfOthers.isEmpty else { return }
        throw ConfigurationError(issues: sortedIssues)
    }

    /// A path as this process opens it: relative ones count from the directory of the file.
    func resolve(path: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return String(file[...slash]) + path
    }

    /// - Returns: Why the file cannot be read; `nil` when it can.
    static func problem(readingFile path: String) -> String? {
        guard let status = FileStatus(path: path) else { return String(cString: strerror(errno)) }
        guard status.isRegular else { return "not a file" }
        return access(path, R_OK) == 0 ? nil : String(cString: strerror(errno))
    }
}
