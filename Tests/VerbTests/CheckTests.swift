// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct CheckTests {
    /// A root with an image of its own, so that it may be damaged.
    private func own() throws -> Root {
        let minictl = try Root()
        try minictl.sh(
            "rm images; mkdir e && echo 1 > e/f && tar -C e -c . | $M import - one && echo 2 > e/f && tar -C e -c . | $M import - two")
        return minictl
    }

    /// Finds it, says what would be done and changes nothing; mends it; finds nothing more.
    private func expectMended(
        _ minictl: Root, _ sentence: String, by mending: String, at location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try minictl.sh(
            "find . -type d -printf '%p\\n' -o ! -path './runtime/events*' ! -path ./runtime/roster -printf '%p %T@ %l\\n' | sort"
        ).output
        let found = try minictl("check --deep --format '{{.State}} {{.Place}}: {{.Sentence}} | {{.Mending}}'")
        let own = found.lines.filter { !$0.contains("another root's") }
        // What an image leaves that is not whole is found with it.
        #expect(found.code == 1 && own.count <= 2, "\(found.output)", sourceLocation: location)
        #expect(own.contains { $0.contains(sentence) && $0.contains(mending) }, "\(found.output)", sourceLocation: location)
        #expect(
            try minictl.sh(
                "find . -type d -printf '%p\\n' -o ! -path './runtime/events*' ! -path ./runtime/roster -printf '%p %T@ %l\\n' | sort"
            ).output == before,
            sourceLocation: location)
        let mended = try minictl("check --repair")
        #expect(mended.code == 0 || mended.output.contains("left:"), "\(mended.output)", sourceLocation: location)
        let after = try minictl("check")
        #expect(after.code == mended.code, "\(after.output)", sourceLocation: location)
    }

    @Test("A root where everything fits is clean, whatever runs in it")
    func clean() throws {
        let minictl = try own()
        #expect(try minictl("check").output == "everything fits\n")
        try minictl.sh("$M create --name a -v data:/d one true; $M create --name b -v /d two true; $M tag one three; $M rmi two -f")
        #expect(try minictl("check").output == "everything fits\n")
        let running = try Root()
        try running.start("web", "-v data:/d")
        try running.sh("$M run base true; $M rename web w; $M update --cpuset-cpus 0 w; mkdir s; $M mount add w ./s /s")
        #expect(try running("check").output == "everything fits\n")
    }

    @Test("A damaged record costs the container, but not what it wrote")
    func record() throws {
        let minictl = try own()
        let id = try minictl("create --name web one true").text
        try minictl.sh("echo precious > containers/\(id)/upper/file; echo '{' > containers/\(id)/state.json")
        try expectMended(minictl, "its state.json cannot be understood", by: "containers/.lost")
        #expect(try minictl.sh("cat containers/.lost/\(id)-*/upper/file").text == "precious")
        #expect(try minictl.sh("ls containers").text == "")
        // Its name is free again.
        #expect(try minictl("create --name web one true").code == 0)
    }

    @Test(
        "Each thing that does not fit is found and mended",
        arguments: [
            ("rm containers/$id/state.json", "nothing of a container but its directory", "remove it"),
            ("rm containers/$id/state.json; touch containers/$id/upper/f", "its state.json is missing", "containers/.lost"),
            ("ln -s $id containers/other", "this is a second name of web", "remove it"),
            ("ln -s nonsense containers/other", "this link names no container", "remove it"),
            ("ln -s $(echo $id | tr 0-9a-f a-f0-9) containers/other", "the container of this name is gone", "free the name"),
            ("rm containers/web", "its name web is not to be found", "give the name back"),
            ("touch containers/$id/.state.json.tmp", "somebody was killed while writing this", "remove it"),
            ("rmdir containers/$id/work", "has no folder work", "make it, empty"),
            ("rm -r containers/.volumes/data", "the volume of web is missing", "make it anew"),
            ("$M volume create --label a b; rm -r containers/.volumes/b", "is about is gone", "remove it"),
            ("touch containers/.volumes/..b.json.tmp", "somebody was killed while writing this", "remove it"),
            ("rm -r images/unpacked/sha256/$layer", "web lacks a layer of its image one", "unpack the image again"),
            ("touch runtime/$id.sock", "the container that had this does not run any more", "remove it"),
            ("mkdir images/unpacked/sha256/$(echo $layer | tr 0-9a-f a-f0-9)", "needs this unpacked layer", "remove it"),
            (
                "cp images/oci-layout images/blobs/sha256/$id; touch -d '1 hour ago' images/blobs/sha256/$id", "no image needs this blob",
                "remove it"
            ),
            ("echo x >> images/blobs/sha256/$two", "image two is not whole: blob", "take it out of the table"),
            ("rm images/blobs/sha256/$two", "is missing", "take it out of the table"),
            ("$M network create blue; echo '{' > containers/.networks/blue.json", "the network cannot be understood", "put it aside"),
            ("mkdir -p runtime/networks/bridge; ln -s $id runtime/networks/bridge/172.18.0.9", "does not run", "give it back"),
            (
                "l=mc$(echo $id | cut -c1-10)-0; ip link add $l type veth peer name other && ip link set other up && ip link set $l up",
                "web does not run", "remove it"
            ),
        ])
    func faults(damage: String, sentence: String, mending: String) throws {
        let minictl = try own()
        try minictl.sh(
            """
            id=$($M create --name web -v data:/data one true)
            layer=$($M image inspect -f '{{index .RootFS.Layers 0}}' one | cut -d: -f2)
            two=$($M image inspect -f '{{index .RootFS.Layers 0}}' two | cut -d: -f2)
            two=$(grep -l $two images/blobs/sha256/* | xargs -n1 basename | head -1)
            \(damage)
            """)
        try expectMended(minictl, sentence, by: mending)
    }

    @Test("A port that leads to nobody, and a name of who is not there, are found and mended")
    func networks() throws {
        let minictl = try Root()
        try minictl.start("web", "-p 8080:80")
        let outcome = try minictl.sh(
            """
            echo "$(echo 7 | sha256sum | cut -c1-64) 172.18.0.9  gone,gone2" >> $(ls runtime/names/* | grep -v pid)
            nft add element inet minictl ports4 '{ tcp . 127.0.0.1 . 81 : 172.18.0.9 . 80 }'
            $M check --format '{{.State}} {{.Place}}: {{.Sentence}}'; $M check --repair >/dev/null; $M check
            nft list map inet minictl ports4 | grep -o 'tcp[^,}]*'; cat runtime/names/* | grep -c web; $M port web
            """)
        #expect(
            outcome.lines == [
                "found runtime/names: the name server knows 10159baf262b, which is not on the network bridge",
                "found port 81: it leads to 172.18.0.9, which nobody has", "everything fits", "tcp . 127.0.0.1 . 8080 : 172.18.0.2 . 80 ",
                "1",
                "80/tcp -> 127.0.0.1:8080",
            ], "\(outcome)")
        try minictl("rm -f web")
    }

    @Test("Only reading every blob finds a changed one of the right size")
    func deep() throws {
        let minictl = try own()
        try minictl.sh(
            "blob=$(grep -L '^{' images/blobs/sha256/* | head -1); printf X | dd of=$blob bs=1 seek=30 conv=notrunc 2>/dev/null")
        #expect(try minictl("check").code == 0)
        let outcome = try minictl("check --deep")
        #expect(outcome.code == 1 && outcome.output.contains("does not have the contents it is named for"))
    }

    @Test("A lost table of images is made anew from the manifests")
    func index() throws {
        let minictl = try own()
        let ids = try minictl("images -q").lines.sorted()
        try minictl.sh("echo garbage > images/index.json")
        try expectMended(minictl, "the table of images cannot be understood", by: "make it anew")
        #expect(try minictl("images -q").lines.sorted() == ids)
        #expect(try minictl.sh("cat images/index.json.damaged").text == "garbage")
    }

    @Test("What cannot be mended is said, and stays")
    func beyond() throws {
        let minictl = try own()
        let id = try minictl("create --name web one true").text
        try minictl.sh("echo '[]' > containers/\(id)/config.json")
        for flags in ["", "--repair"] {
            let outcome = try minictl("check \(flags)")
            #expect(outcome.code == 1 && outcome.output.contains("web cannot be started") && outcome.output.contains("minictl rm web"))
        }
    }
}
