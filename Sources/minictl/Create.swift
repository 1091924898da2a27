// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Create: Command {
    static let name: StaticString = "create"
    static let summary: StaticString = "make a container from an image without starting it"
    static let operands: Operands = "IMAGE [COMMAND] [ARG...]"
    static let isInterspersed = false
    static let examples = [Example("minictl start $(minictl create --name web base sleep 100)", "what run -d does, in two steps")]

    static var options: [CommandOption<Self>] {
        [
            .heading("General"),
            .text("--cidfile FILE", "write the container's id to a new file") { $0.cidFile = $1.isEmpty ? nil : $1 },
            .text(
                "--pull always|missing|never", "whether to fetch the image; there is no fetching yet, so always is an error", hidden: true
            ) {
                try Run.checkPull($1)
            },
        ] + ContainerOptions.options.lifted { try $1(&$0.container) }
    }

    var cidFile: String?
    var container = ContainerOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let request = try container.request(arguments)
        container.tellNotes()
        let home = try globals.home()
        let cidFile = try self.cidFile.map { path throws(EngineError) in try IDFile(path) }
        let id = try home.createOnly(request, progress: container.progress.show)
        try cidFile?.write(id)
        try Output.standard.write("\(id)\n")
        return 0
    }
}
