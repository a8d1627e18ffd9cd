import Foundation

/// A source file as the checks see it: its target, its lines, and its lines of code alone.
struct SourceFile: Sendable {
    /// From `Sources` or `Tests` on.
    let path: String
    let lines: [String]
    /// Without comments and without what stands in string literals; as many as `lines`.
    let code: [String]
    let hasComment: [Bool]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var isInMultiline = false
        let parts = lines.map { Self.code(in: $0, &isInMultiline) }
        code = parts.map(\.code)
        hasComment = parts.map(\.hasComment)
    }

    /// `MailModel` of `MailModel/Reply.swift`.
    var target: String { String(path.prefix { $0 != "/" }) }
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }

    /// All Swift files below a folder of this package.
    static func all(below folder: String = "Sources") throws -> [SourceFile] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(folder).resolvingSymlinksInPath()
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".swift") }
        return try paths.sorted().map { path in
            let data = try Data(contentsOf: root.appendingPathComponent(path))
            return SourceFile(path: path, text: String(decoding: data, as: UTF8.self))
        }
    }

    private static func code(
        in line: String, _ isInMultiline: inout Bool
    ) -> (code: String, hasComment: Bool) {
        if line.components(separatedBy: "\"\"\"").count % 2 == 0 {
            isInMultiline.toggle()
            return ("", false)
        }
        if isInMultiline { return ("", false) }
        var (code, isInString, previous): (String, Bool, Character) = ("", false, " ")
        for character in line {
            if character == "\"", previous != "\\" { isInString.toggle() }
            if !isInString, character == "/", previous == "/" { return (String(code.dropLast()), true) }
            if !isInString { code.append(character) }
            previous = previous == "\\" ? " " : character
        }
        return (code, false)
    }
}
