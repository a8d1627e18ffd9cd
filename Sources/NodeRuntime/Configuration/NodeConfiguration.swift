internal import Glibc
package import MailModel

/// Everything a node is told, checked: every value is in its range and nothing contradicts anything else.
package struct NodeConfiguration: Equatable, Sendable {
    /// Unique in the cluster.
    package var node: String
    /// `nil`: as many as processors less one.
    package var eventLoops: Int?
    package var spool = SpoolConfiguration()
    package var ingress: IngressConfiguration
    package var sender = SenderConfiguration()
    package var routes = RoutesConfiguration()
    /// Paths of tables of transport(5), asked where no route matches.
    package var transport: [String] = []
    package var dns = DNSConfiguration()
    package var http = HTTPConfiguration()
    package var log = LogConfiguration()

    /// The defaults of a host of this name, before a file is read.
    init(hostName: Domain) {
        node = hostName.name
        ingress = IngressConfiguration(hostname: hostName)
    }

    /// What applies without a file.
    package static var `default`: NodeConfiguration { defaults(hostName: systemHostName) }

    package static func defaults(hostName: Domain) -> NodeConfiguration {
        var configuration = NodeConfiguration(hostName: hostName)
        configuration.resolveDefaults()
        return configuration
    }

    /// The name the system gives itself; `localhost` where that is no domain name.
    package static var systemHostName: Domain {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return Domain(canonical: "localhost") }
        let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return Domain(normalizing: text) ?? Domain(canonical: "localhost")
    }

    /// Reads and checks a file of at most 1 MB. Relative paths in it count from its directory.
    package static func load(path: String) throws(ConfigurationError) -> NodeConfiguration {
        try parse(text: ConfigurationFile.read(path), file: path)
    }

    /// - Parameter file: The name that errors show.
    /// - Throws: All that is wrong, in one error.
    package static func parse(
        text: String, file: String, hostName: Domain = systemHostName
    ) throws(ConfigurationError) -> NodeConfiguration {
        let reader = ConfigurationReader(file: file)
        var configuration = NodeConfiguration(hostName: hostName)
        if let root = try ConfigurationFile.compose(text, file: file) {
            reader.countNodes(root)
            if reader.issues.isEmpty { ConfigurationTable.node.read(root, into: &configuration, reader) }
        }
        configuration.resolve(reader)
        try reader.throwIssues()
        return configuration
    }

    /// JSON Schema (draft 2020-12) of the file, for editors.
    package static var jsonSchema: String { ConfigurationTable.schemaText }

    /// All keys with types, defaults and meaning, as Markdown.
    package static var reference: String { ConfigurationTable.referenceText }
}
