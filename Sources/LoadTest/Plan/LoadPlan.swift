package import NIOCore

/// What every message of a run is. Each follows from the seed and its number alone.
package struct LoadPlan: Sendable {
    package struct Size: Equatable, Sendable {
        package var octets: Int
        package var weight: Double
        package init(octets: Int, weight: Double = 1) { (self.octets, self.weight) = (octets, weight) }
    }

    package struct Domain: Equatable, Sendable {
        package var name: String
        package var weight: Double
        package init(name: String, weight: Double = 1) { (self.name, self.weight) = (name, weight) }
    }

    /// Tells this run from all others, for the receiving side: 1 to 32 letters and digits.
    package let run: String
    package let seed: UInt64
    /// Without angle brackets; empty for the null reverse-path.
    package let reversePath: String
    package let recipients: Int
    /// Before the number in a recipient's local part, as `bounce+`.
    package let localPrefix: String
    /// `Name: value`, without line ends.
    package let fields: [String]
    /// Different values of X-Apus-Tenant and X-Apus-Campaign, as `tenant-1`; 0 leaves the field out.
    package let tenants: Int
    package let campaigns: Int
    private let sizes: [Int]
    private let sizeChoice: WeightedChoice
    package let domains: [String]
    private let domainChoice: WeightedChoice

    package init(
        run: String, seed: UInt64, reversePath: String, recipients: Int, localPrefix: String = "",
        fields: [String] = [],
        tenants: Int = 0, campaigns: Int = 0, sizes: [Size], domains: [String], domainChoice: WeightedChoice
    ) {
        precondition(domains.count == domainChoice.count && recipients > 0, "a plan names its recipients")
        self.run = run
        self.seed = seed
        self.reversePath = reversePath
        self.recipients = recipients
        self.localPrefix = localPrefix
        self.fields = fields
        self.tenants = tenants
        self.campaigns = campaigns
        self.sizes = sizes.map(\.octets)
        sizeChoice = WeightedChoice(sizes.map(\.weight))
        self.domains = domains
        self.domainChoice = domainChoice
    }

    package func message(_ number: Int) -> LoadMessage {
        var random = LoadRandom(seed: seed, message: number)
        let size = sizes[sizeChoice.draw(&random)]
        let body = random.next()
        let tenant = tenants > 1 ? Int(random.next() % UInt64(tenants)) : 0
        let campaign = campaigns > 1 ? Int(random.next() % UInt64(campaigns)) : 0
        let domains = (0..<recipients).map { _ in Int32(domainChoice.draw(&random)) }
        return LoadMessage(
            number: number, size: size, body: body, tenant: tenant, campaign: campaign, domains: domains)
    }
}

/// One message of a plan, not written yet.
package struct LoadMessage: Equatable, Sendable {
    /// Counted from 0.
    package var number: Int
    /// Octets of the content; less than its header section has means no body.
    package var size: Int
    /// Says where in the random text its body begins.
    package var body: UInt64
    package var tenant: Int
    package var campaign: Int
    /// Places in the plan's domains, one for each recipient.
    package var domains: [Int32]
}

// The commands of a message (RFC 5321 §4.1.1), written without strings in between.
extension LoadPlan {
    package func writeMail(octets: Int?, into out: inout ByteBuffer) {
        out.writeStaticString("MAIL FROM:<")
        out.writeString(reversePath)
        out.writeStaticString(">")
        if let octets {
            out.writeStaticString(" SIZE=")
            out.writeDecimal(octets)
        }
        out.writeStaticString("\r\n")
    }

    package func writeRcpt(_ message: LoadMessage, _ index: Int, into out: inout ByteBuffer) {
        out.writeStaticString("RCPT TO:<")
        writeRecipient(message, index, into: &out)
        out.writeStaticString(">\r\n")
    }

    /// `b17.0@dst.test` for the first recipient of message 17: the receiving side reads the index from it.
    func writeRecipient(_ message: LoadMessage, _ index: Int, into out: inout ByteBuffer) {
        out.writeString(localPrefix)
        out.writeStaticString("b")
        out.writeDecimal(message.number)
        out.writeStaticString(".")
        out.writeDecimal(index)
        out.writeStaticString("@")
        out.writeString(domains[Int(message.domains[index])])
    }
}

extension ByteBuffer {
    /// - Parameter value: 0 or more.
    mutating func writeDecimal(_ value: Int) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
