// SPDX-License-Identifier: Apache-2.0
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct ImageVerbTests {
    @Test("What is no archive is told of by what was asked for")
    func noArchive() throws {
        let minictl = try Root()
        #expect(try minictl("import /dev/null x").error == "minictl: archive: there is nothing in it\n")
        #expect(try minictl("import / x").error.hasPrefix("minictl: cannot read /: "))
        #expect(try minictl("rmi ''").error == "minictl: an image's name is empty\n")
        #expect(try minictl("rm ''").error == "minictl: no such container: its name is empty\n")
    }

    @Test("Images are pruned by age and label")
    func pruneSome() throws {
        let minictl = try Root()
        try minictl.sh(
            "mkdir e && tar -C e -c . >e.tar; $M import -c 'LABEL keep=1' e.tar prunekept; $M import -c 'LABEL keep=0' e.tar prunegone")
        try minictl("image prune -af --filter until=1h --filter label=keep")
        #expect(try minictl("images -q prune*").lines.count == 2)
        try minictl("system prune -af --filter label!=keep=1 --filter label=keep")
        #expect(try minictl("images --format '{{.Repository}}' prune*").text == "prunekept")
        try minictl("rmi prunekept")
        #expect(try minictl("image prune -f --filter colour=red").code == 125)
    }

    /// A root of its own images, as these are changed.
    private func root() throws -> Root {
        let root = try Root()
        try root.sh("rm images; mkdir -p tree/bin; echo hello > tree/file; tar -C tree -cf tree.tar .")
        return root
    }

    @Test("A tar becomes an image, with a name and changes")
    func importing() throws {
        let minictl = try root()
        let id = try minictl("import -m why -c 'CMD [\"/bin/x\"]' -c 'ENV A=b C=\"d e\"' -c 'LABEL l=1' tree.tar made:1").text
        #expect(id.hasPrefix("sha256:"))
        let value = try minictl.json("image inspect made:1").array?.first
        #expect(value?["Id"]?.string == id)
        #expect(value?["Comment"]?.string == "why")
        #expect(value?["Config"]?["Env"]?.array?.compactMap(\.string) == ["A=b", "C=d e"])
        #expect(value?["RepoTags"]?.array?.compactMap(\.string) == ["made:1"])
        #expect(try minictl("images --format '{{.Repository}} {{.Tag}} {{.ID}}'").text == "made 1 \(id.dropFirst(7).prefix(12))")
        #expect(try minictl("import -c 'COLOUR red' tree.tar x").error.contains("there is no change 'COLOUR'"))
    }

    @Test("An image from a pipe without a name dangles, and is pruned")
    func dangling() throws {
        let minictl = try root()
        let id = try minictl.sh("cat tree.tar | $M import -").text
        #expect(try minictl("images -q --no-trunc -f dangling=true").text == id)
        #expect(try minictl("images --format '{{.Repository}}:{{.Tag}}'").text == "<none>:<none>")
        #expect(try minictl("image prune -f").output.contains("Deleted: \(id)"))
        #expect(try minictl("images -q").text == "")
    }

    @Test("A second name goes by itself, the last with the image")
    func tags() throws {
        let minictl = try root()
        let id = try minictl("import tree.tar one").text
        try minictl("tag one two:3")
        #expect(try minictl("images --format '{{.Repository}}:{{.Tag}}' 't*'").text == "two:3")
        #expect(try minictl("rmi one").text == "Untagged: one")
        #expect(try minictl("rmi two:3 nosuch").lines == ["Untagged: two:3", "Deleted: \(id)"])
    }

    @Test("An image that a container has stays")
    func used() throws {
        let minictl = try root()
        try minictl("image assemble tools --command true")
        try minictl("create --name web tools")
        #expect(try minictl("rmi tools").error.contains("used by container web"))
        #expect(try minictl("image prune -af").output == "Total reclaimed space: 0B\n")
        try minictl("rm web")
        #expect(try minictl("rmi tools").code == 0)
    }

    @Test("Volumes are made, listed and removed, but not under a container")
    func volumes() throws {
        let minictl = try Root()
        #expect(try minictl("volume create data").text == "data")
        let nameless = try minictl("volume create").text
        try minictl.start("web", "-v data:/data")
        #expect(try minictl("volume ls -q").lines.sorted() == [nameless, "data"].sorted())
        #expect(try minictl("volume ls -q -f dangling=true").text == nameless)
        #expect(try minictl("volume rm data").error == "minictl: volume data is in use by web; remove these containers first\n")
        #expect(try minictl("volume prune -f").output.contains(nameless))
        try minictl("rm -f web")
        #expect(try minictl("volume rm data nosuch").text == "data")
        #expect(try minictl("volume ls -q").text == "")
    }

    @Test("Pruning asks first, and takes only what does not run")
    func prune() throws {
        let minictl = try Root()
        try minictl.start("web")
        try minictl("create --name over base true")
        #expect(try minictl.sh("echo n | $M container prune").output.hasPrefix("WARNING! This will remove all stopped containers."))
        #expect(try minictl("ps -aq").lines.count == 2)
        #expect(try minictl("container prune -f --filter until=1h").output == "Total reclaimed space: 0B\n")
        #expect(try minictl.sh("echo y | $M container prune").output.contains("Deleted Containers:"))
        #expect(try minictl("ps -a --format '{{.Names}}'").text == "web")
        #expect(try minictl("system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'").lines.contains("Containers 1 1"))
    }

    @Test(
        "docker's longer words do the same",
        arguments: ["container ls", "container list", "image ls", "volume ls", "system df", "container ps"])
    func aliases(words: String) throws { #expect(try Root()(words).code == 0) }

    @Test("Shells and man get what they need")
    func scripts() throws {
        let minictl = try Root()
        for shell in ["bash", "zsh", "fish"] { #expect(try minictl("completion \(shell)").output.contains("container")) }
        #expect(try minictl.sh("$M completion bash | bash -n; echo $?").text == "0")
        #expect(try minictl.sh("$M manual man && ls man | grep -c minictl-").code == 0)
    }
}
