/// The signed field that names a message weeks after it left.
package struct TraceTagConfiguration: Equatable, Sendable {
    package struct Key: Equatable, Sendable {
        /// Stands in tags; old tags are checked by it.
        package var id: String
        package var secret: SecretText

        package init(id: String, secret: SecretText) { (self.id, self.secret) = (id, secret) }
    }

    package var keys: [Key] = []
    /// Key of tags to come; `nil` adds none, and old ones are still checked.
    package var current: String?
    /// Pools whose mail gets a tag; empty: all.
    package var pools: [String] = []

    package init() {}
}
