/// One thing that is wrong with a configuration file.
package struct ConfigurationIssue: Equatable, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1; 0 where the whole file is meant.
    package let line: Int
    /// As in the file, joined by points: `sender.lane.connections`, `ingress.listeners[1].address`. Empty for the file.
    package let key: String
    /// What stood there; `nil` where nothing did, or a mapping or list.
    package let value: String?
    /// What is wrong, and what is allowed.
    package let message: String

    package var description: String {
        var text = line > 0 ? "\(file):\(line): " : "\(file): "
        if !key.isEmpty { text += "\(key): " }
        if let value {
            JSONValue.quote(value.count > 80 ? value.prefix(80) + "…" : value, into: &text)
            text += " "
        }
        return text + message
    }
}

/// Why a configuration is not used: all that is wrong with it, in the order of the file.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// Shown at most, so that one wrong indentation does not fill a screen.
    package static let shown = 20

    package let issues: [ConfigurationIssue]

    package var description: String {
        var lines = issues.prefix(ConfigurationError.shown).map(\.description)
        if issues.count > ConfigurationError.shown {
            lines.append("… and \(issues.count - ConfigurationError.shown) more")
        }
        return lines.joined(separator: "\n")
    }
}
