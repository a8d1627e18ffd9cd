import ArgumentParser
import NodeRuntime
import Spool

/// Exit codes of DESIGN §9, and how a command ends with one.
enum Exit {
    static let no = ExitCode(1)
    static let unreachable = ExitCode(69)
    static let bug = ExitCode(70)
    static let tryAgain = ExitCode(75)
    static let noPermission = ExitCode(77)
    static let configuration = ExitCode(78)

    /// Says why on standard error and gives the code to throw.
    static func saying(_ message: String, _ code: ExitCode) -> ExitCode {
        ToolFile.standardError.say("apus: \(message)")
        return code
    }

    /// Runs what opens or reads a spool; its errors become exit codes.
    static func spool<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as SpoolError {
            throw saying(error.message, code(of: error))
        }
    }

    static func code(of error: SpoolError) -> ExitCode {
        switch error.code {
        case .inUse, .full, .unavailable, .unknownResult, .fenced: tryAgain
        case .foreign, .corrupt: configuration
        case .forbidden: noPermission
        case .recordTooLarge, .closed: no
        }
    }

    /// Loads the configuration; all that is wrong in it goes to standard error.
    static func load(_ option: String?) throws -> (NodeConfiguration, ConfigurationLocator.Location) {
        let location = ConfigurationLocator.locate(option: option)
        do {
            return (try NodeConfiguration.load(location), location)
        } catch {
            throw saying("\(error)", configuration)
        }
    }
}

/// Prints a line on standard output at once, also into a pipe.
func say(_ line: String) {
    ToolFile.standardOutput.say(line)
}
