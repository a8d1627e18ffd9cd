import Testing

/// A rule of the house that the compiler does not know, and how a breach of it looks.
struct SourceCheck: Sendable, CustomTestStringConvertible {
    let name: String
    let breaches: @Sendable (SourceFile) -> [Int]

    var testDescription: String { name }

    /// `path:line` of each breach.
    func breaches(in files: [SourceFile]) -> [String] {
        files.flatMap { file in breaches(file).map { "\(file.path):\($0)" } }
    }
}

extension SourceCheck {
    static let pureTargets: Set = [
        "MailModel", "SMTPProtocol", "MessageFormat", "MailAuthentication", "DeliveryPolicy",
    ]
    static let roles: Set = ["Ingress", "Sender", "Reporting"]
    /// Which targets may import a module that is somebody's secret.
    static let owners: [String: Set<String>] = [
        "GRDB": ["LocalSpool"], "GRDBSQLite": ["LocalSpool"], "CUnbound": ["DNSClient"], "CIDN2": ["MailModel"],
        "CPCRE2": ["DeliveryPolicy"],
    ]

    static let all: [SourceCheck] = [
        noFoundation, noClock, noConcurrency, rolesApart, secretModules, length, silencedErrors,
    ]

    static let noFoundation = SourceCheck(name: "pure layers know no Foundation") { file in
        guard pureTargets.contains(file.target) else { return [] }
        return file.imports { $0.hasPrefix("Foundation") }
    }

    static let noClock = SourceCheck(name: "pure layers ask no clock") { file in
        guard pureTargets.contains(file.target) else { return [] }
        let words = [
            "ContinuousClock", "SuspendingClock", "NIODeadline.now", ".now()", "clock_gettime", "Date()",
            "SystemRandom",
        ]
        return file.lines { line in words.contains { line.contains($0) } }
    }

    static let noConcurrency = SourceCheck(name: "pure layers neither wait nor lock") { file in
        guard pureTargets.contains(file.target) else { return [] }
        let words: Set<Substring> = [
            "async", "await", "Task", "Mutex", "NIOLock", "NIOLockedValueBox", "Atomic", "EventLoop",
            "pthread_mutex_t", "DispatchQueue",
        ]
        return file.lines { line in
            line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { words.contains($0) }
                || line.contains(#/\bactor [A-Z]/#)
        }
    }

    static let rolesApart = SourceCheck(name: "roles do not know each other") { file in
        guard roles.contains(file.target) else { return [] }
        return file.imports { roles.contains($0) && $0 != file.target }
    }

    static let secretModules = SourceCheck(name: "each library has one owner") { file in
        file.imports { owners[$0].map { !$0.contains(file.target) } ?? false }
    }

    static let length = SourceCheck(name: "no file above 400 lines") { file in
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        return count > 400 && !file.isGenerated ? [count] : []
    }

    /// For tests: they are built as what ships is, so that `package` declarations are all they see.
    static let testableImports = SourceCheck(name: "no @testable import") { file in
        file.lines { $0.contains("@testable") }
    }

    /// The reason stands in a comment on the line, or the one before or after.
    static let silencedErrors = SourceCheck(name: "no error is dropped without a reason") { file in
        file.lines { $0.contains("try? ") || $0.hasSuffix("try?") }.filter { number in
            !(max(1, number - 1)...min(file.lines.count, number + 1)).contains { file.hasComment[$0 - 1] }
        }
    }
}

extension SourceFile {
    /// Numbers of the lines of code that `matches` accepts.
    fileprivate func lines(where matches: (String) -> Bool) -> [Int] {
        code.indices.filter { matches(code[$0]) }.map { $0 + 1 }
    }

    fileprivate func imports(where matches: (String) -> Bool) -> [Int] {
        lines { line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), keyword <= 2, keyword + 1 < words.count else {
                return false
            }
            let name = words[words.count - 1].prefix { $0 != "." }
            return matches(String(name))
        }
    }
}
