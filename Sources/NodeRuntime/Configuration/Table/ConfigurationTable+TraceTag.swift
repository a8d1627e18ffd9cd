internal import MailModel

extension ConfigurationTable {
    static let traceTag = ConfigurationSection<TraceTagConfiguration> {
        Field(
            "keys", \.keys, keys, default: "none: no tags",
            "Keys by name, each in a file of its own; names stand in tags. An old key checks old tags.")
        Field(
            "current", \.current, .noneOr(keyName), default: "the only key",
            "Key of tags to come; none adds no tags and still checks those of keys.")
        Field(
            "pools", \.pools, .list(of: .identifier, upTo: 1000), default: "all",
            "Pools whose mail gets a tag.")
    }

    private static let keys = ValueKind<[TraceTagConfiguration.Key]>.mapping(
        keys: keyName, placeholder: "KEY", to: .secretFile, upTo: 100
    ) { TraceTagConfiguration.Key(id: $0, secret: $1) }

    private static let keyName = ValueKind<String>.text(
        "1…16 of letters, digits, _ -", pattern: "^[A-Za-z0-9_-]{1,16}$", show: { $0 }
    ) { text throws(Refusal) in
        guard (1...16).contains(text.utf8.count),
            text.utf8.allSatisfy({ byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            })
        else { throw Refusal("is not a name of a key") }
        return text
    }
}
