package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/30x/dispatcher/demo/internal/tour"
)

// keyed moves a key by the ConfigMap, and does to Pods what must move none (HF1 to HF4,
// HF7, HX2, HX9, HX12).
func (k *checker) keyed(ctx context.Context) {
	const name = "rooms.yaml"
	ip := "podIP: " + k.network + "80.1"
	overriding := "---\n# Keys that go" // where the ConfigMap begins
	begin, rest, _ := strings.Cut(k.manifests[name], overriding)
	configMap, pods, _ := strings.Cut(rest, "---\n")
	k.step(ctx, "edited the ConfigMap: its key goes to another Pod",
		k.edits(name, "data:", "ns-0: backend-0", "ns-0: backend-2"),
		k.tells("live in", "ConfigMap/secure-namespace/overwriting changed"),
		k.comesToGive(tour.Room("backend-2", "ns-0")))
	k.step(ctx, "deleted it: the hash decides again",
		k.writes(name, begin+"---\n"+pods),
		k.tells("live in", "ConfigMap/secure-namespace/overwriting deleted"),
		k.comesToGive(tour.Room("backend-3", "ns-0")))
	k.step(ctx, "wrote it again: it acts, although it came after all else",
		k.writes(name, begin+overriding+configMap+"---\n"+pods),
		k.tells("live in", "ConfigMap/secure-namespace/overwriting added"),
		k.comesToGive(tour.Room("backend-0", "ns-0")))
	waiting := tour.Room("", "ns-02")
	waiting.Want = tour.Outcome{Status: 503, Retry: "5"}
	k.step(ctx, "a Pod is not ready: its keys get 503 and Retry-After, all others their Pods",
		k.edits(name, ip, `"True"`, `"False"`),
		k.tells("live in", "Pod/secure-namespace/backend-1 no longer serves"),
		k.comesToGive(waiting), k.gives(tour.Room("backend-3", "ns-01"), tour.Room("backend-0", "ns-0")))
	k.step(ctx, "it comes back with another address: it has its keys",
		k.edits(name, ip, `"False"`, `"True"`), k.edits(name, "", ip, ip+"1"),
		k.tells("live in", "Pod/secure-namespace/backend-1 now serves"),
		k.comesToGive(tour.Room("backend-1", "ns-02")), k.gives(tour.Room("backend-3", "ns-01")))
	k.step(ctx, "one replica less: the keys of the last Pod move, and no other",
		k.edits(name, "", "replicas: 4", "replicas: 3"),
		k.tells("live in", "StatefulSet/secure-namespace/backend changed"),
		k.comesToGive(tour.Room("backend-1", "ns-01")), k.gives(tour.Room("backend-1", "ns-02"), tour.Room("backend-0", "ns-0")))
	k.restores(ctx, name, "StatefulSet/secure-namespace/backend")
}

// takeover makes the one active Pod unready, and ready again (KF1, KF3, KF4).
func (k *checker) takeover(ctx context.Context) {
	const name = "ledger.yaml"
	ip := "podIP: " + k.network + "70.2"
	served := func(pod string) tour.Visit {
		return tour.Visit{Host: host, Path: "/ledger", Times: 6, Want: tour.Outcome{Status: 200, Pods: map[string]int{pod: 6}}}
	}
	k.step(ctx, "the active Pod is not ready: the next one takes over",
		k.edits(name, ip, `"True"`, `"False"`), k.edits(name, ip, "2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"),
		k.tells("live in", "Pod/test-namespace/ledger-2 no longer serves"),
		k.comesToGive(served("ledger-1")))
	k.step(ctx, "it is ready again: its successor keeps the path, and all share the other one",
		k.edits(name, ip, `"False"`, `"True"`), k.edits(name, ip, "2026-01-02T09:00:00Z", "2026-01-03T09:00:00Z"),
		k.tells("live in", "Pod/test-namespace/ledger-2 now serves"),
		k.comesToGive(tour.Visit{Host: host, Path: "/ledger-reports", Times: 6,
			Want: tour.Outcome{Status: 200, Pods: map[string]int{"ledger-1": 2, "ledger-2": 2, "ledger-3": 2}}}),
		k.gives(served("ledger-1")))
	k.restores(ctx, name, "Pod/test-namespace/ledger-2")
}

// outside changes who may ask the application outside the cluster, and its address (EF1
// to EF5, EX4, EX6).
func (k *checker) outside(ctx context.Context) {
	const name = "partners.yaml"
	const slice = "EndpointSlice/partners-namespace/app2-1"
	asked := func(want tour.Outcome) tour.Visit {
		return tour.Visit{Host: "app2.k8s.local", Path: "/orders", Want: want}
	}
	address := k.network + "90."
	k.step(ctx, "changed the endpoint's address: the other application answers",
		k.edits(name, "", "["+address+"1]\n    hostname: app2", "["+address+"2]\n    hostname: app2-new"),
		k.tells("live in", slice+" changed"),
		k.comesToGive(asked(tour.Outcome{Status: 200, Pods: map[string]int{"app2-new": 1}, Path: "/orders"})))
	k.step(ctx, "wrote an address that the operator does not allow: refused, told why, and 503",
		k.edits(name, "", "["+address+"2]", "[192.0.2.1]"),
		k.tells("problem", slice, "192.0.2.1 is refused"),
		k.tells("live in", slice+" changed"),
		k.comesToGive(asked(tour.Outcome{Status: 503, Retry: "5"})))
	k.step(ctx, "changed the ranges of clients: 403",
		k.edits(name, "loadBalancerSourceRanges", "- 127.0.0.1/32", "- 192.0.2.0/24"),
		k.edits(name, "", "[192.0.2.1]", "["+address+"1]"),
		k.tells("live in", "Service/partners-namespace/app2 changed"),
		k.comesToGive(asked(tour.Outcome{Status: 403})))
	k.restores(ctx, name, "Service/partners-namespace/app2")
}

// restores writes a manifest as it was, and waits until Dispatcher has told of it: what
// comes during a reload may be live before that ends, and is not told then.
func (k *checker) restores(ctx context.Context, name, changed string) {
	k.step(ctx, "wrote "+name+" back: everything is as at the start",
		k.writes(name, k.manifests[name]), k.tells("live in", changed+" changed"), k.comesToGive(tour.All(k.site)...))
}

// edits replaces the first old text in a manifest that stands after a mark.
func (k *checker) edits(name, mark, old, replacement string) action {
	return func(ctx context.Context) error {
		text, err := os.ReadFile(filepath.Join(k.folder, name))
		if err != nil {
			return err
		}
		before, after, found := strings.Cut(string(text), mark)
		edited := strings.Replace(after, old, replacement, 1)
		if !found || edited == after {
			return fmt.Errorf("%s has no %q after %q", name, old, mark)
		}
		return k.writes(name, before+mark+edited)(ctx)
	}
}
