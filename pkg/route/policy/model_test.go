package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/30x/dispatcher/pkg/cluster"
)

// life is a Pod, with what a model of a perfect memory knows of it.
type life struct {
	name, address          string
	uid                    int
	ready, known, deleting bool  // known: it was ready at some time
	created, changed       int64 // changed: when it became ready, or unready
	steady                 int64 // since when it is ready without a break that counts
}

// object is the Pod as the API server shows it.
func (l *life) object() *corev1.Pod {
	status := corev1.ConditionFalse
	if l.ready {
		status = corev1.ConditionTrue
	}
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: l.name, UID: types.UID(fmt.Sprint(l.uid)), CreationTimestamp: metav1.Unix(l.created, 0)},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: l.address,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: metav1.Unix(l.changed, 0)}},
		},
	}
	if l.deleting {
		p.DeletionTimestamp = &metav1.Time{}
	}
	return p
}

// model is a world of Pods and who serves in it, by the rules in plain words: whoever
// serves stays until it leaves; then the one that has been ready longest takes over.
type model struct {
	random *rand.Rand
	grace  int64
	now    int64
	uids   int
	pods   map[string]*life
	serves *life // nil: nobody
	term   int64 // its steady when it was chosen
	past   map[[2]int64]bool
}

// stays reports whether a Pod may serve.
func (m *model) stays(l *life) bool {
	return !l.deleting && (l.ready || m.grace > 0 && l.known && m.now-l.changed <= m.grace)
}

// judge chooses another Pod if the one that serves has left.
func (m *model) judge(t *testing.T) {
	t.Helper()
	if s := m.serves; s != nil && m.pods[s.name] == s && m.stays(s) && s.steady == m.term {
		return
	}
	if m.serves != nil {
		m.past[[2]int64{int64(m.serves.uid), m.term}] = true
	}
	m.serves = nil
	for _, l := range m.pods {
		if m.stays(l) && (m.serves == nil || l.steady < m.serves.steady) {
			m.serves = l
		}
	}
	if m.serves == nil {
		return
	}
	if m.term = m.serves.steady; m.past[[2]int64{int64(m.serves.uid), m.term}] {
		t.Fatalf("%s has got its place back", m.serves.name)
	}
}

// event lets one thing happen, some seconds later, and tells how a Cache hears of it.
func (m *model) event(t *testing.T) (name string, hear func(*cluster.Cache)) {
	t.Helper()
	m.now += 1 + m.random.Int64N(4)
	m.judge(t)
	name = fmt.Sprintf("web-%d", m.random.IntN(5))
	l := m.pods[name]
	what := m.random.IntN(10)
	switch {
	case l == nil:
		m.uids++
		l = &life{name: name, uid: m.uids, created: m.now, changed: m.now, steady: m.now}
		l.ready = what < 5
		l.known = l.ready
		m.pods[name] = l
	case what == 0 || l.deleting:
		delete(m.pods, name)
		m.judge(t)
		gone := l.object()
		return name, func(c *cluster.Cache) { c.Delete(gone) }
	case what == 1:
		l.deleting = true
	case what == 2: // and below: its address changes, to one that another may have had
	case l.ready:
		l.ready, l.changed = false, m.now
	case !l.ready:
		if !l.known || m.grace == 0 || m.now-l.changed > m.grace {
			l.steady = m.now
		}
		l.ready, l.known, l.changed = true, true, m.now
	}
	if what == 2 || l.address == "" {
		l.address = fmt.Sprintf("10.0.0.%d", 1+m.random.IntN(3))
	}
	m.judge(t)
	seen := l.object()
	return name, func(c *cluster.Cache) {
		if _, err := c.Set(seen); err != nil {
			t.Error(err)
		}
	}
}

// candidates are what a Cache knows.
func candidates(c *cluster.Cache) (out []Candidate) {
	for _, p := range c.Snapshot().Pods {
		out = append(out, Candidate{
			Ref: p.Ref, Identity: p.Name, Created: p.Created, ReadySince: p.ReadySince, UnreadySince: p.UnreadySince, WasReady: p.WasReady,
			Deleting: p.Deleting, Serves: p.Serves(), Reachable: p.Running && p.IP.IsValid(),
		})
	}
	return out
}

// chosen is the name of the Pod that a Cache's knowledge gives, "" for none.
func chosen(known []Candidate, grace, now int64) (name string, until int64) {
	i, until := Chosen(known, int(grace), now)
	if i < 0 {
		return "", until
	}
	return known[i].Identity, until
}

// KF2, KF3, KX6, KX7, KX8, KX9, KX11: in 500 random lives of five Pods, three
// Dispatchers, which hear of them in another order each, and of which one is restarted
// at times, agree with the model, and so with one another: one Pod at most; another one
// only if it has left, and never the same again. With a grace, one that was restarted
// does not know of breaks before, but sends nothing to a Pod that was never ready.
func TestOneAgainstModel(t *testing.T) {
	t.Parallel()
	compared, changes, kept := 0, 0, 0
	for seed := range uint64(500) {
		m := &model{random: rand.New(rand.NewPCG(seed, 7)), grace: []int64{0, 3, 10}[seed%3], now: 1000, pods: map[string]*life{}, past: map[[2]int64]bool{}}
		fresh := func() *cluster.Cache { return cluster.NewCache(labels.Everything(), cluster.Interest{}) }
		caches, restarted, before := []*cluster.Cache{fresh(), fresh(), fresh()}, false, ""
		for range 40 {
			news := map[string][]func(*cluster.Cache){}
			for range 1 + m.random.IntN(3) {
				name, hear := m.event(t)
				news[name] = append(news[name], hear)
			}
			restart := m.random.IntN(10) == 0
			if restart {
				caches[2], restarted = fresh(), true
				objects := slices.Collect(maps.Values(m.pods))
				slices.SortFunc(objects, func(a, b *life) int { return a.uid - b.uid })
				m.random.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
				for _, l := range objects {
					if _, err := caches[2].Set(l.object()); err != nil {
						t.Fatal(err)
					}
				}
			}
			want := ""
			if m.serves != nil {
				want = m.serves.name
			}
			for i, c := range caches {
				names := slices.Sorted(maps.Keys(news))
				m.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
				for _, name := range names {
					for _, hear := range news[name] {
						if i < 2 || !restart {
							hear(c)
						}
					}
				}
				known := candidates(c)
				got, until := chosen(known, m.grace, m.now)
				if i == 2 && restarted && m.grace > 0 {
					if l := m.pods[got]; l != nil && !m.stays(l) || l == nil && slices.ContainsFunc(known, func(c Candidate) bool { return c.Serves }) {
						t.Fatalf("seed %d, %ds: the restarted one has chosen %q", seed, m.now, got)
					}
					continue
				}
				compared++
				if got != want {
					t.Fatalf("seed %d, %ds: Dispatcher %d has chosen %q, want %q", seed, m.now, i, got, want)
				}
				last := until - 1
				if until == 0 {
					last = m.now + 1e6
				} else if next, _ := chosen(known, m.grace, until); next == got {
					t.Fatalf("seed %d: %s still serves at %d", seed, got, until)
				}
				if same, _ := chosen(known, m.grace, last); same != got || last < m.now {
					t.Fatalf("seed %d: not %s but %q serves at %d, and %d is said", seed, got, same, last, until)
				}
				if until != 0 {
					kept++
				}
			}
			if want != before {
				changes++
			}
			before = want
		}
	}
	t.Logf("%d choices compared, %d changes, %d choices of a Pod in its grace", compared, changes, kept)
	if changes < 3000 || kept < 1000 {
		t.Errorf("only %d changes and %d choices of a Pod in its grace: the lives are too dull", changes, kept)
	}
}
