/// Identity of a suppression: whose mail it stops, and to what. A newer one takes the place of the older.
package struct SuppressionKey: Hashable, Sendable {
    /// `nil`: of all tenants.
    package var tenant: String?
    package var target: SuppressionTarget

    package init(tenant: String?, _ target: SuppressionTarget) { (self.tenant, self.target) = (tenant, target) }
}

/// Key of its record in `control`: `suppress/TENANT/TARGET`, nothing between the slashes for all tenants.
extension SuppressionKey: LosslessStringConvertible {
    package static let prefix = "suppress/"

    package var description: String { "\(Self.prefix)\(Self.escape(tenant ?? ""))/\(target)" }

    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let rest = text.dropFirst(Self.prefix.count)
        guard let slash = rest.firstIndex(of: "/"),
            let target = SuppressionTarget(String(rest[rest.index(after: slash)...]))
        else { return nil }
        let tenant = Self.unescape(rest[..<slash])
        self.init(tenant: tenant.isEmpty ? nil : tenant, target)
    }

    /// The first slash behind the prefix must be ours.
    private static func escape(_ tenant: String) -> String {
        guard tenant.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") }) else {
            return tenant
        }
        return tenant.replacing("%", with: "%25").replacing("/", with: "%2F")
    }

    private static func unescape(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        return String(text.replacing("%2F", with: "/").replacing("%25", with: "%"))
    }
}
