import ArgumentParser
import Foundation
import MailModel
import NodeRuntime
import Sender

struct SuppressCommandGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suppress", abstract: "The suppression list: mail to what is on it is not sent.",
        discussion: """
            An entry is a mailbox (ann@example.org, in any case), a domain (example.org: all of its mailboxes), or the
            domains below one ("*.example.org"). It is for all tenants unless --tenant is given.

            Examples:
              apus suppress add ann@example.org --reason "asked by phone" --expires 365d
              apus suppress import unsubscribed.csv --reason unsubscribed
              apus suppress check ann@example.org
            """,
        subcommands: [
            SuppressAddCommand.self, SuppressRemoveCommand.self, SuppressListCommand.self,
            SuppressImportCommand.self, SuppressCheckCommand.self,
        ])
}

/// Reads what suppression commands are given.
enum SuppressText {
    static func target(_ text: String) throws -> SuppressionTarget {
        guard let target = SuppressionTarget(unbracketed(text)) else {
            throw ValidationError(
                "\(text) is neither a mailbox nor a domain, as ann@example.org, example.org or \"*.example.org\"")
        }
        return target
    }

    static func unbracketed(_ text: String) -> String {
        text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : text
    }

    /// A time to come: `180d` from now, or a date or moment of RFC 3339.
    static func expiry(_ text: String, now: Timestamp) throws(SuppressionRefusal) -> Timestamp {
        if let moment = Timestamp(text) {
            guard moment > now else { throw SuppressionRefusal("\(text) is past") }
            return moment
        }
        guard let duration = try? Units.duration(text), duration > .zero else {  // the message below says it all
            throw SuppressionRefusal("\(text) is no time to come, as 180d, 2030-01-31 or 2030-01-31T12:00:00Z")
        }
        return now + duration
    }

    /// Who asks, for events.
    static var actor: String { ProcessInfo.processInfo.environment["SUDO_USER"] ?? NSUserName() }

    /// Parameters that name one entry.
    static func query(_ key: SuppressionKey) -> [URLQueryItem] {
        let name = key.target.isMailbox ? "recipient" : "domain"
        return [URLQueryItem(name: name, value: "\(key.target)")]
            + (key.tenant.map { [URLQueryItem(name: "tenant", value: $0)] } ?? [])
    }

    static func row(_ item: SuppressionItem) -> String {
        let parts = [
            item.target, item.tenant.map { "tenant \($0)" }, item.source, item.reason, item.reply,
            item.actor.map { "by \($0)" }, item.time, item.expiry.map { "until \($0)" },
        ]
        return parts.compactMap { $0 }.joined(separator: "  ")
    }

    /// What a node would refuse, refused before it is asked.
    static func checked(_ item: SuppressionItem, now: Timestamp) throws -> Suppression {
        do throws(SuppressionRefusal) {
            return try Suppression(item, created: now, actor: actor)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}
