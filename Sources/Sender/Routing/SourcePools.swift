import DeliveryPolicy
import MailModel
import NIOCore
import NodeRuntime

/// The pools of the configuration, and whose turn it is in each.
struct SourcePools {
    private var pools: [String: SourcePool] = [:]
    private let sources: [String: Source]
    let defaultPool: String

    init(_ sender: SenderConfiguration) throws {
        var sources: [String: Source] = [:]
        for source in sender.sources {
            sources[source.name] = Source(
                name: source.name,
                address: try source.address.map { try SocketAddress(ipAddress: $0.description, port: 0) },
                ehloName: source.ehlo.name)
        }
        self.sources = sources
        for pool in sender.pools {
            pools[pool.name] = SourcePool(pool.members.map { .init(source: $0.source, weight: $0.weight) })
        }
        defaultPool = sender.defaultPool
    }

    var names: [String] { pools.keys.sorted() }

    /// The source whose turn it is; `nil` when none is usable, or the pool is not configured.
    mutating func next(in pool: String, where isUsable: (String) -> Bool) -> Source? {
        guard let members = pools[pool]?.members,
            let index = pools[pool]?.next(where: { isUsable(members[$0].source) })
        else { return nil }
        return sources[members[index].source]
    }

    func has(in pool: String, where isUsable: (String) -> Bool) -> Bool {
        pools[pool]?.members.contains { $0.weight > 0 && isUsable($0.source) } ?? false
    }
}
