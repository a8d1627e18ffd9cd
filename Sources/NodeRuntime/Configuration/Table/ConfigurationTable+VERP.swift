internal import DeliveryPolicy

extension ConfigurationTable {
    static let verp = ValueKind<[VERPConfiguration]>.mapping(
        keys: .identifier, placeholder: "POOL", to: template, upTo: 1000
    ) { VERPConfiguration(pool: $0, template: $1) }

    private static let template = ValueKind<VERPTemplate>.text(
        "an address with {local} {domain} {queue_id} {index} {sender_local} {sender_domain}, as "
            + "bounce+{queue_id}={local}={domain}@bounces.example.org; or postfix for \(VERPTemplate.postfix)",
        show: { $0.text }
    ) { text throws(Refusal) in
        do throws(VERPTemplate.Problem) { return try VERPTemplate(parsing: text) } catch { throw Refusal(error.reason) }
    }
}
