import ArgumentParser

@main
struct Apus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract:
            "A mail transfer agent: takes mail over SMTP, keeps it durably, delivers it, and tells what happened.",
        discussion: """
            A first mail, in three terminals:
              apus sink 127.0.0.1:2600
              apus serve --config apus.yaml
              apus send --from a@src.test --to b@dst.test

            Exit codes: 0 done or yes; 1 no (not found, refused); 64 usage; 69 unreachable; 70 a bug of ours;
            75 try again; 77 no permission; 78 configuration.
            """,
        subcommands: [
            ServeCommand.self, ReloadCommand.self, CheckConfigCommand.self, QueueCommandGroup.self, TraceCommand.self,
            WhyCommand.self, SuppressCommandGroup.self, BouncesCommandGroup.self, SendCommand.self, SinkCommand.self,
            BenchCommand.self,
        ])
}
