// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct MountTests {
    @Test("A folder is mounted while the container runs, with the container's ids, and taken away again")
    func life() throws {
        let minictl = try Root()
        try minictl.start("web")
        try minictl.sh("mkdir src; echo hello > src/f")
        #expect(try minictl("mount add web ./src /srv/in").error == "")
        #expect(try minictl("exec web sh -c 'echo more > /srv/in/g; stat -c %u /srv/in/f; cat /srv/in/f'").lines == ["0", "hello"])
        #expect(try minictl.sh("stat -c '%u' src/g").text == "0")
        #expect(try minictl("inspect -f '{{json .Mounts}}' web").text.contains("\"Destination\":\"/srv/in\""))
        #expect(try minictl("mount ls web --format '{{.Destination}} {{.Mode}} {{.Since}}'").text == "/srv/in rw added")
        #expect(try minictl("mount add web ./src /srv/in").error.contains("has a mount at /srv/in already"))
        #expect(try minictl("mount rm web /srv/in").text == "/srv/in")
        #expect(try minictl("exec web ls /srv/in").text == "")
        #expect(try minictl("mount rm web /srv/in").error == "minictl: web has no mount at /srv/in\n")
        #expect(try minictl.sh("grep $PWD /proc/self/mountinfo").text == "")
    }

    @Test("Read-only is read-only, a file is mounted on a file, a volume by its name")
    func kinds() throws {
        let minictl = try Root()
        try minictl.start("web")
        try minictl.sh(
            "mkdir src; echo one > file; $M mount add web ./src /in:ro; $M mount add web ./file /etc/file; $M mount add web data /data")
        #expect(try minictl("exec web touch /in/x").error.contains("Read-only file system"))
        #expect(try minictl("exec web cat /etc/file").text == "one")
        #expect(try minictl("volume rm data").error.contains("is in use by web"))
        #expect(try minictl("mount rm web /in /etc/file /data").lines.count == 3)
        #expect(try minictl("volume rm data").code == 0)
    }

    @Test("It goes with the container's end, unless it is kept")
    func keeping() throws {
        let minictl = try Root()
        try minictl.start("web")
        try minictl.sh("mkdir src; echo hello > src/f; $M mount add web ./src /gone; $M mount add --keep web ./src /kept")
        try minictl("restart -t 0 web")
        #expect(try minictl("exec web sh -c 'cat /kept/f; ls /gone'").lines == ["hello"])
        #expect(try minictl("mount ls -q web").text == "/kept")
        #expect(try minictl("mount rm web /kept").code == 0)
        try minictl("restart -t 0 web")
        #expect(try minictl("exec web ls /kept").text == "")
    }

    @Test("What was mounted at the start stays, what covers an added mount is left alone, and one that does not run says so")
    func refusals() throws {
        let minictl = try Root()
        try minictl.start("web", "-v data:/data --cap-add SYS_ADMIN --security-opt seccomp=unconfined")
        try minictl.sh("mkdir src; $M mount add web ./src /in; $M exec web mount -t tmpfs none /in")
        #expect(try minictl("mount rm web /data").error.contains("came with web and stays"))
        #expect(try minictl("mount rm web /in").error.contains("something else is mounted over it"))
        for (target, reason) in [
            ("/proc/sys", "lies in /proc"), ("/", "nothing can be mounted at"), ("in", "not an absolute path"),
            ("/a/../b", "leads upwards"),
        ] {
            #expect(try minictl("mount add web ./src \(target)").error.contains(reason), "\(target)")
        }
        #expect(try minictl("mount add web ./nothing /x").error.contains("bind source path does not exist"))
        try minictl("stop -t 0 web")
        #expect(try minictl("mount add web ./src /x").error.contains("it does not run; with --keep"))
        #expect(try minictl("mount add nope ./src /x").error == "minictl: no such container: nope\n")
    }

    @Test("Links of the container lead nowhere but into it, also while they are exchanged all the time")
    func hostile() throws {
        let minictl = try Root()
        try minictl.sh("mkdir src victim; echo canary > victim/c; echo mine > src/c")
        // A directory and a link to the host's path of the victim take turns under one name.
        try minictl.start(
            "web", "",
            "sh -c 'mkdir -p \(minictl.path) /real; ln -s \(minictl.path)/victim /link; while :; do ln -sfn \(minictl.path)/victim /flip; rm /flip; mkdir /flip; rmdir /flip; done'"
        )
        usleep(100_000)
        for _ in 0..<20 {
            try minictl("mount add web ./src /flip/sub")
            try minictl("mount rm web /flip/sub")
        }
        try minictl("mount add web ./src /link")
        #expect(try minictl.sh("cat victim/c; ls victim").lines == ["canary", "c"])
        #expect(try minictl.sh("grep $PWD /proc/self/mountinfo").text == "")
    }
}
