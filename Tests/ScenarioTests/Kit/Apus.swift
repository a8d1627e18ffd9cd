import Foundation
import MailTestKit

/// The program under test.
enum Apus {
    /// Root of the package.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// `APUS_BINARY`, or the one beside the tests.
    static func binary() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        var places: [String] = []
        if let given = environment["APUS_BINARY"], !given.isEmpty {
            places = [given]
        } else {
            let beside = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            places = [beside.appending(path: "apus").path, "\(root)/.build/release/apus", "\(root)/.build/debug/apus"]
        }
        guard let found = places.first(where: FileManager.default.isExecutableFile) else {
            throw TestKitError("no apus at \(places.joined(separator: ", ")): build it, or set APUS_BINARY")
        }
        return found
    }

    static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(try binary(), arguments, environment: environment)
    }

    /// Runs a command of it to its end.
    static func run(
        _ arguments: [String], input: String = "", timeout: Duration = patience
    ) async throws -> (exit: ChildProcess.Exit, output: [String], errors: [String]) {
        try await ChildProcess.run(try binary(), arguments, input: input, timeout: timeout)
    }
}

/// Real peers that a scenario needs.
enum Tool {
    static func path(_ name: String) -> String? {
        ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"].map { "\($0)/\(name)" }
            .first(where: FileManager.default.isExecutableFile)
    }

    static func exist(_ names: String...) -> Bool { names.allSatisfy { path($0) != nil } }

    /// A Python with aiosmtpd: `APUS_PYTHON`, that of `.run/venv`, or one made there.
    static func python() async throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let made = "\(Apus.root)/.run/venv/bin/python"
        for candidate in [environment["APUS_PYTHON"] ?? "", made, "python3"] where !candidate.isEmpty {
            // A candidate that is not there is passed over.
            if let probe = try? await ChildProcess.run(candidate, ["-c", "import aiosmtpd"]), probe.exit == .code(0) {
                return candidate
            }
        }
        for step in [
            ["python3", "-m", "venv", "\(Apus.root)/.run/venv"],
            [made, "-m", "pip", "install", "--quiet", "aiosmtpd==1.4.6"],
        ] {
            let done = try await ChildProcess.run(step[0], Array(step.dropFirst()))
            guard done.exit == .code(0) else { throw TestKitError("\(step): \(done.errors.joined(separator: "\n"))") }
        }
        return made
    }

    static func script(_ name: String) -> String { "\(Apus.root)/Tests/ScenarioTests/Peers/\(name)" }
}
