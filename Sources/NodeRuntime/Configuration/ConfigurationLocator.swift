internal import Glibc

/// Where a command finds its configuration: `--config`, `APUS_CONFIG`, `./apus.yaml`, `/etc/apus/apus.yaml`.
package struct ConfigurationLocator: Sendable {
    package enum Location: Equatable, Sendable {
        /// Named by the operator or found; a named one that is missing fails when it is loaded.
        case file(String)
        /// No file in any place: the built-in defaults apply, and the start says so.
        case defaults
    }

    package static let places = ["./apus.yaml", "/etc/apus/apus.yaml"]

    package static func locate(
        option: String?, environment: String? = getenv("APUS_CONFIG").map { String(cString: $0) },
        places: [String] = places
    ) -> Location {
        if let option { return .file(option) }
        if let environment, !environment.isEmpty { return .file(environment) }
        return places.first { access($0, F_OK) == 0 }.map { .file($0) } ?? .defaults
    }
}

extension NodeConfiguration {
    /// Loads what the locator found.
    package static func load(_ location: ConfigurationLocator.Location) throws(ConfigurationError) -> NodeConfiguration
    {
        switch location {
        case .file(let path): try load(path: path)
        case .defaults: .default
        }
    }
}
