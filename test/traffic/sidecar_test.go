package traffic

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	programs "github.com/30x/dispatcher/test/internal/process"
)

// The users of the two containers, as in deploy/overlays/sidecar, and their group.
const (
	controllerUser = 10001
	nginxUser      = 101
	podGroup       = 101
)

// duo is a Dispatcher in two processes of two users: the controller, which is the
// dispatcher, and the one that runs nginx.
type duo struct {
	*dispatcher
	nginx   *programs.Process
	private string // a folder that only the controller's user can read, with the manifests
}

// newDuo prepares both. The folder with the manifests stands for the token: what
// nginx's process can't read.
func newDuo(t *testing.T) *duo {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("this test needs root, to become two other users")
		}
		t.Skip("only root can become two other users: run it as root")
	}
	d := prepare(t)
	p := &duo{dispatcher: d, private: filepath.Join(filepath.Dir(d.work), "private")}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{filepath.Dir(d.work), filepath.Dir(d.programs.Dispatcher)} {
		must(os.Chmod(path, 0o755))
	}
	must(os.Mkdir(p.private, 0o700))
	d.manifests = filepath.Join(p.private, "manifests")
	must(os.Mkdir(d.manifests, 0o700))
	must(os.Chown(p.private, controllerUser, podGroup))
	must(os.Chown(d.manifests, controllerUser, podGroup))
	// As the kubelet makes an emptyDir for a Pod with an fsGroup.
	must(os.Chown(d.work, 0, podGroup))
	must(os.Chmod(d.work, 0o775|os.ModeSetgid))
	d.user = &syscall.Credential{Uid: controllerUser, Gid: podGroup}
	d.env = append(d.env, "SSL_CERT_DIR="+filepath.Join(d.work, "ssl"))
	t.Cleanup(p.endNginx)
	return p
}

// beginNginx starts the process that runs nginx.
func (p *duo) beginNginx() {
	p.t.Helper()
	cmd := exec.Command(p.programs.Dispatcher, "nginx", "--work-dir="+p.work, "--shutdown-grace=2s")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NGINX_BINARY=" + p.programs.Nginx, "SSL_CERT_DIR=" + filepath.Join(p.work, "ssl")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nginxUser, Gid: podGroup}}
	cmd.Stdout, cmd.Stderr = appendTo(p.t, p.outFile), appendTo(p.t, p.logFile+".nginx")
	var err error
	if p.nginx, err = programs.Start(cmd, syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// endNginx ends it in peace, and nginx with it.
func (p *duo) endNginx() {
	if p.nginx == nil || p.nginx.Ended() {
		return
	}
	if err := p.nginx.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	if code, err := p.nginx.Wait(patience); code != 0 || err != nil {
		p.t.Errorf("dispatcher nginx ended with status %d, %v:\n%s", code, err, p.nginxLog())
	}
}

// crashNginx ends all of nginx's container at once, as the kernel does.
func (p *duo) crashNginx() {
	p.t.Helper()
	master := p.masterPID()
	// In this order nobody is left who would start another one.
	for _, pid := range append([]int{p.nginx.PID(), master}, workers(master)...) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			p.t.Fatal(err)
		}
	}
	if _, err := p.nginx.Wait(patience); err != nil {
		p.t.Fatal(err)
	}
}

func (p *duo) nginxLog() string { return readFile(p.logFile + ".nginx") }

// TestSidecar: the controller, which has access to the cluster, and nginx, which
// has none, are two processes of two users that share only a folder.
func TestSidecar(t *testing.T) {
	t.Parallel()
	p := newDuo(t)
	web := newPod(t, "shop", "web", at("/app"))
	p.apply(namespace("shop", "www.example.com"), web, secret("shop", "routing", "api-key", "supersecret"))
	p.beginNginx()
	p.run("--mode=sidecar")
	if got := p.ask("www.example.com", "/app"); got.Status != http.StatusForbidden {
		t.Errorf("without a key: status %d", got.Status)
	}
	if got := p.ask("www.example.com", "/app", key("supersecret")); got.Pod != "web" {
		t.Errorf("with the key: %d %q", got.Status, got.Text)
	}
	p.apply(web.paths(at("/changed")))
	p.eventually("a change is live", func() bool { return p.try("www.example.com", "/changed", key("supersecret")).Pod == "web" })

	// Who is who, and who may do what.
	master := p.masterPID()
	for _, pid := range append(workers(master), master, p.nginx.PID()) {
		if uid := userOf(pid); uid != fmt.Sprint(nginxUser) && uid != "" {
			t.Errorf("process %d of nginx's side runs as user %q", pid, uid)
		}
	}
	if uid := userOf(p.process.Process.Pid); uid != fmt.Sprint(controllerUser) {
		t.Errorf("the controller runs as user %q", uid)
	}
	for _, forbidden := range []string{p.private, fmt.Sprintf("/proc/%d/environ", p.process.Process.Pid), fmt.Sprintf("/proc/%d/root/", p.process.Process.Pid)} {
		if p.mayRead(nginxUser, podGroup, forbidden) {
			t.Errorf("nginx's user can read %s", forbidden)
		}
	}
	secrets := 0
	err := filepath.WalkDir(p.work, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if strings.Contains(readFile(path), "c3VwZXJzZWNyZXQ=") {
			secrets++
			if p.mayRead(controllerUser, podGroup, path) || p.mayRead(nobody, podGroup, path) {
				t.Errorf("others than nginx's user can read %s", path)
			}
		}
		return nil
	})
	if err != nil || secrets == 0 {
		t.Errorf("%d files hold the key, %v", secrets, err)
	}
	if text := p.log() + p.nginxLog(); strings.Contains(text, "supersecret") || strings.Contains(text, "c3VwZXJzZWNyZXQ") {
		t.Error("the key is in a log")
	}
	p.measures(map[string]float64{"dispatcher_nginx_up": 1, "dispatcher_stale": 0, "dispatcher_routes": 1})
	p.eventually("steps on the other side are counted", func() bool {
		return p.metrics()[`dispatcher_turn_duration_seconds_count{step="verify"}`] == float64(p.lives())
	})
}

// mayRead asks whether a user with that group can read a file or folder.
func (p *duo) mayRead(uid, gid uint32, path string) bool {
	p.t.Helper()
	cmd := exec.Command("ls", "--", path)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		cmd = exec.Command("cat", "--", path)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	return cmd.Run() == nil
}

// TestSidecarRestarts: either side may end at any time. nginx goes on without the
// controller; a new nginx serves without waiting for it, and gets what is newer.
func TestSidecarRestarts(t *testing.T) {
	t.Parallel()
	p := newDuo(t)
	web := newPod(t, "shop", "web", at("/app"))
	p.apply(namespace("shop", "www.example.com"), web)
	p.begin("--mode=sidecar") // nginx's container comes later
	p.eventually("the controller waits", func() bool { return strings.Contains(p.log(), "waiting for nginx's container") })
	p.beginNginx()
	p.serves("www.example.com", "/app", "web")
	p.eventually("ready", func() bool { status, _ := p.probe("/readyz"); return status == http.StatusOK })

	// The controller dies.
	master, before := p.masterPID(), workers(p.masterPID())
	p.signal(syscall.SIGKILL)
	p.wait()
	if got := p.ask("www.example.com", "/app"); got.Pod != "web" {
		t.Errorf("without the controller: %d", got.Status)
	}
	p.run("--mode=sidecar")
	p.eventually("the new controller is done", func() bool { _, text := p.probe("/readyz"); return strings.HasPrefix(text, "ok: ") })
	if p.masterPID() != master || fmt.Sprint(workers(master)) != fmt.Sprint(before) {
		t.Errorf("nginx was reloaded for nothing: workers were %v and are %v", before, workers(master))
	}

	// nginx's container dies, while the controller lives.
	p.crashNginx()
	p.eventually("not ready", func() bool { status, _ := p.probe("/readyz"); return status == http.StatusServiceUnavailable })
	p.beginNginx()
	p.serves("www.example.com", "/app", "web")
	p.eventually("it has the configuration again", func() bool {
		return strings.Contains(p.log(), "nginx's container was started again; it has the configuration")
	})
	p.apply(web.paths(at("/changed")))
	p.serves("www.example.com", "/changed", "web")

	if p.dynamic() {
		return // a new nginx gets its endpoints from the controller
	}
	// Both die, and only nginx's comes back.
	p.signal(syscall.SIGKILL)
	p.wait()
	p.crashNginx()
	resumed := func() int {
		return strings.Count(p.nginxLog(), "the last good configuration is served until all objects are known")
	}
	earlier := resumed()
	p.beginNginx()
	p.eventually("the last good configuration is served", func() bool {
		return resumed() > earlier && p.try("www.example.com", "/changed").Pod == "web"
	})
	old := p.masterPID()
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of nginx's container, whose master was %d:\n%s", old, p.nginxLog())
		}
	})
	p.eventually("nginx serves again", func() bool {
		return p.masterPID() != old && p.try("www.example.com", "/changed").Pod == "web"
	})
}

// TestSidecarRefuses: what nginx refuses there is told here, with its words, and
// the last good configuration stays.
func TestSidecarRefuses(t *testing.T) {
	t.Parallel()
	p := newDuo(t)
	p.apply(namespace("shop", "www.example.com"), newPod(t, "shop", "web", at("/app")))
	templates := filepath.Join(p.private, "templates")
	if err := os.Mkdir(templates, 0o755); err != nil {
		t.Fatal(err)
	}
	p.beginNginx()
	p.run("--mode=sidecar", "--template-dir="+templates)
	if err := os.WriteFile(filepath.Join(templates, "location.tmpl"), []byte("nonsense here;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.eventually("the controller tells nginx's words", func() bool {
		return strings.Contains(p.log(), "a change does not work") && strings.Contains(p.log(), `unknown directive \"nonsense\"`)
	})
	if got := p.ask("www.example.com", "/app"); got.Pod != "web" {
		t.Errorf("status %d", got.Status)
	}
}

// TestSidecarOfAnotherGroup: whoever is in neither the user's nor the group's
// place can't tell nginx what to serve, and is told why.
func TestSidecarOfAnotherGroup(t *testing.T) {
	t.Parallel()
	p := newDuo(t)
	p.apply(namespace("shop", "www.example.com"))
	p.beginNginx()
	p.eventually("the socket is there", func() bool {
		_, err := os.Stat(filepath.Join(p.work, "run", "sidecar.sock"))
		return err == nil
	})
	for name, who := range map[string]syscall.Credential{"another group": {Uid: controllerUser, Gid: nobody}, "nobody": {Uid: nobody, Gid: nobody}} {
		cmd := exec.Command(p.programs.Dispatcher, "run", "--mode=sidecar", "--source="+p.private, "--work-dir="+p.work)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SSL_CERT_DIR=" + filepath.Join(p.work, "ssl")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &who}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "permission denied") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
