package fuzz

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/source"
	"github.com/30x/dispatcher/test/internal/corridor"
	"github.com/30x/dispatcher/test/internal/judge"
)

// victimsBorn is what the times in testdata/victims.yaml count from.
var victimsBorn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// FuzzPipeline: whatever objects a hostile Namespace has, in whatever order, with
// whatever in the fields that it may write, the others' part of the Table and of the
// configuration is what it was without it, but for what it had first; nobody else is told
// anything but that; nothing of its text is read as configuration; and it costs no more than
// what it has asked for (DX5–DX9, DX12–DX14, DX21, DX36).
func FuzzPipeline(f *testing.F) {
	stages := newStages(f)
	for i := range 64 {
		choices := make([]byte, 384)
		for at := range choices { // fixed, and unlike each other
			choices[at] = byte((at*at*31 + at*(2*i+1)*7 + i*101) >> (i % 5))
		}
		list := classics()
		f.Add(choices[:16+5*i], list[i%len(list)], list[i*7%len(list)], list[i*13%len(list)])
	}
	f.Fuzz(func(t *testing.T, choices []byte, a, b, c string) {
		s := &script{choices: choices, texts: []string{a, b, c}, chain: stages[0].chain, key: stages[0].key}
		stages[s.next(len(stages))].play(t, s)
	})
}

// stage is a way to set Dispatcher up, and what is served with it without anybody hostile.
type stage struct {
	*corridor.Corridor
	victims    []metav1.Object
	chain, key string
	table      *route.Table
	problems   []route.Problem
	size       int // of the configuration
	text       *parted
	judge      *judge.Judge
}

func newStages(tb testing.TB) []*stage {
	tb.Helper()
	const pair = "../golden/testdata/default."
	common := []string{
		"--dialects=dispatcher,microservice", "--default-namespace=shop", "--ingress-tls", "--allow-external-names=*.allowed.example",
		"--ssl-cert=" + pair + "crt", "--ssl-key=" + pair + "key",
	}
	chain, key := pki.SelfSigned(tb, "tls.example")
	var out []*stage
	for _, flags := range [][]string{
		nil,
		{"--endpoints=dynamic", "--hsts=true"},
		{"--pod-hosts=open", "--nginx-enable-health-checks", "--nginx-version=1.22.1"},
		{"--trusted-proxies=10.0.0.0/8", "--proxy-protocol", "--endpoints=dynamic", "--default-location-return=http://127.0.0.1:9", "--pod-hosts=open"},
	} {
		c, err := corridor.New(nil, append(slices.Clone(common), flags...)...)
		if err != nil {
			tb.Fatal(err)
		}
		if v := c.Config.NginxVersion; v != (render.Version{}) {
			c.Params.Nginx = render.Capabilities{Version: v, TLS: true, Realip: true, StubStatus: true, UpstreamCheck: true}
			c.Options.Sticky = false
		}
		c.Options.Memory = &certificate.Memory{}
		s := &stage{Corridor: c, chain: chain, key: key, judge: judge.New()}
		if c.Params.DefaultStatus() == 0 {
			s.judge.DefaultReturn = c.Params.DefaultReturn
		}
		s.victims = victims(tb, chain, key)
		table, problems, files := s.build(tb, s.victims)
		s.table, s.problems, s.size, s.text = table, problems, len(files.Conf), s.part(tb, files)
		if n := table.Counts(); n.Hosts < 6 || n.Locations < 30 {
			tb.Fatalf("the others have too little: %+v", n)
		}
		out = append(out, s)
	}
	return out
}

func victims(tb testing.TB, chain, key string) []metav1.Object {
	tb.Helper()
	text, err := os.ReadFile("testdata/victims.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	objects, problems, err := source.ReadManifests([]string{"-"}, bytes.NewReader(text))
	if err != nil || len(problems) > 0 {
		tb.Fatal(problems, err)
	}
	return append(objects, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "routing"}, Data: map[string][]byte{"crt": []byte(chain), "key": []byte(key)},
	})
}

// build is walk, but for objects that the cache refuses: they are as good as not there.
func (s *stage) build(tb testing.TB, objects []metav1.Object) (*route.Table, []route.Problem, render.Files) {
	tb.Helper()
	cache := s.NewCache()
	for _, o := range objects {
		if _, err := cache.Set(o); err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
			tb.Errorf("the error is no line of printable ASCII: %q", err)
		}
	}
	table, problems := route.Build(cache.Snapshot(), s.Options)
	files, err := s.Render(table)
	if err != nil {
		tb.Fatal(err)
	}
	return table, problems, files
}

func (s *stage) part(tb testing.TB, files render.Files) *parted {
	tb.Helper()
	nodes, err := s.judge.Check(string(files.Conf))
	if err != nil {
		tb.Fatal(err)
	}
	return part(nodes)
}

func (s *stage) play(tb testing.TB, script *script) {
	tb.Helper()
	hostile := script.objects()
	objects := append(slices.Clone(s.victims), hostile...)
	again := shuffled(objects, func(n int, swap func(i, j int)) {
		for i := n - 1; i > 0; i-- {
			swap(i, script.next(i+1))
		}
	})
	table, problems, files := s.build(tb, again)
	second, told, text := s.build(tb, objects)
	if !reflect.DeepEqual(table, second) || !slices.Equal(problems, told) || !bytes.Equal(files.Conf, text.Conf) {
		tb.Error("another order gives another result")
	}
	plainProblems(tb, problems)
	b := &bystanders{stage: s, table: table, problems: problems, born: hostile[0].GetCreationTimestamp().Unix()}
	b.toldNothing(tb)
	b.keepTheirs(tb)
	b.keepText(tb, s.part(tb, files))
	if most := s.size + allowance(table); len(files.Conf) > most {
		tb.Errorf("the configuration has %d bytes, %d without the hostile Namespace: more than %d for what it has", len(files.Conf), s.size, most)
	}
}

// allowance is how long the configuration may become by what the hostile Namespace has: so
// much for each thing, and its paths some times over.
func allowance(t *route.Table) int {
	n := 16 << 10 // what stands in it once
	for _, h := range t.Hosts {
		if !slices.ContainsFunc(h.From, isHostile) && !h.Shadowed {
			continue
		}
		n += 4 << 10
		for _, l := range h.Locations {
			if !isHostile(l.From) {
				continue
			}
			n += 4<<10 + 16*(len(l.Path.String())+len(l.Target.String())) + 64*len(l.Sources) + 512*len(l.Upstream.Endpoints)
			if c := l.Upstream.HealthCheck; c != nil {
				n += 2 * len(strings.Join(c.Request.Lines(), "\r\n"))
			}
			if k := l.Upstream.Keyed; k != nil {
				n += 1024*len(k.Members) + 64*len(k.Slots) + 1024*len(k.Overrides)
			}
		}
	}
	return n
}

func isHostile(r cluster.Ref) bool {
	return r.Namespace == "tenant" || r.Kind == "Namespace" && r.Name == "tenant"
}
