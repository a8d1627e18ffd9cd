package import MailModel

/// The suppression list in a form that is asked for every recipient: 32 to 65 bytes an entry, whatever its length.
///
/// An entry is 128 bits of keyed hash, its expiry, and the number of its note. The keys of the hash are those of the
/// process, so that nobody can write an address that looks like another; two of 2^20 entries are the same with a
/// probability of 2^-88. A value: its owner locks.
package struct SuppressionSet: Sendable {
    /// What the events of a suppressed recipient tell; shared by many entries.
    package struct Note: Hashable, Sendable {
        package var source: Suppression.Source
        package var reason: String?
        package var actor: String?

        package init(source: Suppression.Source, reason: String? = nil, actor: String? = nil) {
            (self.source, self.reason, self.actor) = (source, reason, actor)
        }
    }

    /// The entry that keeps mail from a recipient.
    package struct Match: Equatable, Sendable {
        package var key: SuppressionKey
        package var note: Note
        package var expiry: Timestamp?
    }

    private struct Entry {
        /// Seconds since 1970, rounded up; 0 is never.
        let expiry: UInt32
        let note: UInt32

        func isExpired(at now: Timestamp) -> Bool { expiry != 0 && Int64(expiry) * 1000 <= now.milliseconds }
    }

    /// Many small tables: one that grows holds nobody up, and no moment needs twice the memory.
    private static let shardCount = 256
    private var shards = [[Fingerprint: Entry]](repeating: [:], count: Self.shardCount)
    private var notes = NoteTable()
    /// Of each kind with and without tenant, so that only what may be there is looked up.
    private var counts = [Int](repeating: 0, count: 6)

    package init() {}

    package var count: Int { counts.reduce(0, +) }
    package var isEmpty: Bool { count == 0 }

    /// Bytes of its tables and notes, nearly: a dictionary is at most three quarters full.
    package var memory: Int {
        let slot = MemoryLayout<Fingerprint>.stride + MemoryLayout<Entry>.stride
        return shards.reduce(notes.memory) { $0 + $1.capacity * 4 / 3 * slot }
    }

    package mutating func insert(_ suppression: Suppression) {
        let note = Note(source: suppression.source, reason: suppression.reason, actor: suppression.actor)
        let entry = Entry(expiry: Self.seconds(suppression.expiry), note: notes.number(of: note))
        let print = Fingerprint(suppression.key)
        if shards[print.shard].updateValue(entry, forKey: print) == nil { counts[Self.kind(suppression.key)] += 1 }
    }

    package mutating func remove(_ key: SuppressionKey) {
        let print = Fingerprint(key)
        if shards[print.shard].removeValue(forKey: print) != nil { counts[Self.kind(key)] -= 1 }
    }

    /// The entry of this very key, while it is in force.
    package func entry(_ key: SuppressionKey, at now: Timestamp) -> Match? {
        guard counts[Self.kind(key)] > 0 else { return nil }
        let print = Fingerprint(key)
        guard let entry = shards[print.shard][print], !entry.isExpired(at: now) else { return nil }
        let expiry = entry.expiry == 0 ? nil : Timestamp(milliseconds: Int64(entry.expiry) * 1000)
        return Match(key: key, note: notes[entry.note], expiry: expiry)
    }

    /// The entry that mail of a tenant to a mailbox meets: the mailbox before its domain, the tenant's before the one
    /// of all tenants.
    package func match(_ mailbox: Mailbox, tenant: String?, at now: Timestamp) -> Match? {
        if isEmpty { return nil }
        if counts[0] + counts[1] > 0, let match = match(SuppressionTarget(mailbox), tenant: tenant, at: now) {
            return match
        }
        return match(mailbox.domain, tenant: tenant, at: now)
    }

    /// The entry that mail of a tenant to any mailbox of a domain meets.
    package func match(_ domain: Domain, tenant: String?, at now: Timestamp) -> Match? {
        if counts[2] + counts[3] > 0, let match = match(.domain(domain), tenant: tenant, at: now) { return match }
        guard counts[4] + counts[5] > 0, !domain.isAddressLiteral else { return nil }
        var name = domain.name[...]
        while let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")) {
            name = name[name.utf8.index(after: dot)...]
            let parent = Domain(canonical: String(name))
            if let match = match(.below(parent), tenant: tenant, at: now) { return match }
        }
        return nil
    }

    private func match(_ target: SuppressionTarget, tenant: String?, at now: Timestamp) -> Match? {
        if let tenant, let match = entry(SuppressionKey(tenant: tenant, target), at: now) { return match }
        return entry(SuppressionKey(tenant: nil, target), at: now)
    }

    private static func kind(_ key: SuppressionKey) -> Int {
        let kind =
            switch key.target {
            case .mailbox: 0
            case .domain: 2
            case .below: 4
            }
        return key.tenant == nil ? kind : kind + 1
    }

    private static func seconds(_ expiry: Timestamp?) -> UInt32 {
        guard let expiry else { return 0 }
        let (seconds, rest) = max(expiry.milliseconds, 1).quotientAndRemainder(dividingBy: 1000)
        return UInt32(clamping: seconds + (rest > 0 ? 1 : 0))
    }
}

/// 128 bits that stand for a key: two hashes of SipHash that begin differently.
private struct Fingerprint: Hashable {
    let high: UInt64
    let low: UInt64

    init(_ key: SuppressionKey) {
        var text = key.description
        (high, low) = text.withUTF8 { bytes in
            (Self.hash(UnsafeRawBufferPointer(bytes), 1), Self.hash(UnsafeRawBufferPointer(bytes), 2))
        }
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer, _ first: UInt64) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(first)
        hasher.combine(bytes: bytes)
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }

    var shard: Int { Int(high & 255) }

    func hash(into hasher: inout Hasher) { hasher.combine(low) }
}

/// Notes by number. An import may give each address a reason of its own: above a bound only the source is kept.
private struct NoteTable: Sendable {
    private static let limit = 8 << 20
    private var notes = Suppression.Source.allCases.map { SuppressionSet.Note(source: $0) }
    private var numbers: [SuppressionSet.Note: UInt32] = [:]
    private var bytes = 0

    var memory: Int { bytes }

    subscript(number: UInt32) -> SuppressionSet.Note { notes[Int(number)] }

    mutating func number(of note: SuppressionSet.Note) -> UInt32 {
        if let number = numbers[note] { return number }
        let size = (note.reason?.utf8.count ?? 0) + (note.actor?.utf8.count ?? 0)
        guard size > 0, bytes + size + 128 <= Self.limit else {
            return UInt32(Suppression.Source.allCases.firstIndex(of: note.source) ?? 0)
        }
        bytes += size + 128
        let number = UInt32(notes.count)
        notes.append(note)
        numbers[note] = number
        return number
    }
}
