package controller_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/source"
)

// probed is a stage whose proxy can test: it refuses configurations that hold all words
// of one of the lists.
type probed struct {
	*stage
	refuses [][]string
	tests   int
	broken  error // of each test; nil: they work
}

func (p *probed) verdict(files render.Files) error {
	for _, words := range p.refuses {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(string(files.Conf), w) }) {
			return refusal{fmt.Errorf("no %s", strings.Join(words, " with "))}
		}
	}
	return nil
}

func (p *probed) Test(_ context.Context, files render.Files) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tests++
	if p.broken != nil {
		return p.broken
	}
	return p.verdict(files)
}

// playProbed is play with a proxy that can test.
func playProbed(t *testing.T, scenario func(p *probed)) {
	playProbedWith(t, func(*controller.Controller) {}, scenario)
}

func playProbedWith(t *testing.T, change func(*controller.Controller), scenario func(p *probed)) {
	p := &probed{}
	playWith(t, func(c *controller.Controller) {
		p.stage = c.Proxy.(*stage)
		c.Proxy = p
		change(c)
	}, func(s *stage) {
		s.answers(p.verdict)
		scenario(p)
	})
}

// space plays a Namespace with hosts, created in some year.
func (p *probed) space(name string, year int, hosts ...string) {
	var members []string
	for _, h := range hosts {
		members = append(members, fmt.Sprintf("%q: {}", h))
	}
	p.send(source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, CreationTimestamp: metav1.NewTime(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)),
		Annotations: map[string]string{"hosts": "{" + strings.Join(members, ", ") + "}"},
	}}})
}

// serves checks which hosts the last configuration has.
func (p *probed) serves(hosts ...string) {
	p.t.Helper()
	all := p.applications()
	conf := all[len(all)-1].conf
	for _, h := range hosts {
		if !strings.Contains(conf, "server_name "+h+";") {
			p.t.Errorf("%s is not served", h)
		}
	}
}

// held checks the numbers of entries that are held, and that each has its Problem.
func (p *probed) held(want string) {
	p.t.Helper()
	r, problems := p.told(), 0
	for _, problem := range r.Problems {
		if strings.Contains(problem.Reason, "nginx refuses it") {
			problems++
		}
	}
	n := 0
	for _, held := range r.Quarantined {
		n += held
	}
	if got := fmt.Sprint(r.Quarantined); got != want || problems != n || r.Err != nil {
		p.t.Errorf("held are %s with %d Problems, %v; want %s", got, problems, r.Err, want)
	}
}

// A host that nginx refuses costs nobody else anything. It is left alone until it
// changes, and so are two that are refused only together: the older one is served.
func TestRefusedEntries(t *testing.T) {
	playProbed(t, func(p *probed) {
		p.refuses = [][]string{{"server_name bad.example;\n\n"}, {"server_name a.example;", "server_name z.example;\n\n"}}
		for i := range 20 {
			p.space(fmt.Sprintf("n%d", i), 2000+i, fmt.Sprintf("h%d.example", i))
		}
		p.sync()
		pass(time.Minute)
		p.space("rogue", 2001, "bad.example", "good.example")
		p.space("old", 2002, "a.example")
		p.space("new", 2003, "z.example")
		pass(time.Minute)
		p.serves("h0.example", "h19.example", "good.example", "a.example")
		p.held("map[new:1 rogue:1]")
		if log := p.log.String(); strings.Count(log, "msg=problem ") != 2 || !strings.Contains(log, "no server_name bad.example") {
			t.Errorf("the log says %s", log)
		}
		tests := p.tests
		p.space("n3", 2003, "h3.example", "more.example")
		pass(time.Minute)
		p.serves("more.example")
		p.held("map[new:1 rogue:1]")
		if p.tests != tests {
			t.Errorf("others' changes cause %d tests", p.tests-tests)
		}
		p.space("rogue", 2001, "good.example", "better.example")
		pass(time.Minute)
		p.serves("good.example", "better.example")
		p.held("map[new:1]")
	})
}

// Other templates may be all that is needed; and those that work are used although
// entries are refused.
func TestTemplatesAndRefusedEntries(t *testing.T) {
	playProbed(t, func(p *probed) {
		p.refuses = [][]string{{"server_name bad.example;\n\n", "# first"}, {"# wrong"}}
		p.space("n", 2000, "a.example")
		p.sync()
		pass(time.Minute)
		p.retemplate("# first")
		pass(time.Minute)
		p.space("rogue", 2001, "bad.example")
		pass(time.Minute)
		p.held("map[rogue:1]")
		p.retemplate("# wrong")
		pass(time.Minute)
		p.held("map[rogue:1]")
		p.retemplate("# first, and more")
		pass(time.Minute)
		p.held("map[rogue:1]")
		if all := p.applications(); !strings.Contains(all[len(all)-1].conf, "and more") {
			t.Error("templates that work are not used")
		}
		p.retemplate("# second")
		pass(time.Minute)
		p.serves("a.example", "bad.example")
		p.held("map[]")
	})
}

// Where tests don't work, or no entry is at fault, the last good configuration stays,
// as it does without tests.
func TestNobodyIsFound(t *testing.T) {
	for name, broken := range map[string]error{"no entry": nil, "no tests": errors.New("no answer within 10s")} {
		playProbed(t, func(p *probed) {
			p.space("n", 2000, "a.example")
			p.sync()
			pass(time.Minute)
			applied := len(p.applications())
			p.broken, p.refuses = broken, [][]string{{"server"}}
			p.space("n", 2000, "a.example", "b.example")
			pass(time.Minute)
			if r := p.told(); r.Err == nil || len(r.Quarantined) > 0 || len(p.applications()) != applied || p.tests == 0 {
				t.Errorf("%s: %v, held are %v", name, r.Err, r.Quarantined)
			}
		})
	}
}

// nginx is told the endpoints of what is served, not of what it refuses: those that are
// left of the ones before, without a configuration.
func TestEndpointsOfRefusedEntries(t *testing.T) {
	b := &book{}
	playProbedWith(t, b.furnish, func(p *probed) {
		p.refuses = [][]string{{"proxy_read_timeout 13s"}}
		p.host("a.example")
		p.pod(1, true, "/a", "")
		p.pod(2, true, "/a", "")
		p.sync()
		pass(time.Minute)
		const bad = `, "readTimeout": "13s"`
		p.pod(2, true, "/a", bad) // and Pod 1 goes by what the first one declares
		p.pod(1, true, "/a", bad)
		pass(time.Minute)
		p.held("map[test:1]")
		applied := len(p.applications())
		p.pod(3, true, "/a", bad)
		pass(time.Minute)
		p.pod(1, false, "/a", bad)
		pass(time.Minute)
		b.mu.Lock()
		if b.now != "10.0.0.2*1" {
			t.Errorf("told at the end: %s", b.now)
		}
		for _, told := range b.told {
			if strings.Contains(told, "10.0.0.3") {
				t.Errorf("told %s: a Pod that is not served", told)
			}
		}
		b.mu.Unlock()
		if n := len(p.applications()); n != applied {
			t.Errorf("that took %d configurations", n-applied)
		}
		p.pod(1, false, "/a", "")
		p.pod(2, true, "/a", "")
		p.pod(3, true, "/a", "")
		pass(time.Minute)
		p.held("map[]")
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.now != "10.0.0.2*1 10.0.0.3*1" {
			t.Errorf("told when all is well: %s", b.now)
		}
	})
}
