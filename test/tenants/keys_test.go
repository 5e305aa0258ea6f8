package tenants

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keys are cases of paths with policy hash, and of what their ConfigMaps may hold.
func keys() []attack {
	room := func(key string) want {
		return want{host: "hostile.example", uri: "/rooms/" + key, pod: "evil"}
	}
	const path = `{"basePath": "/rooms", "containerPort": @PORT, "policy": "hash", "key": "segment:1", "overrides": "rooms"}`
	// overrides is a case of a ConfigMap for the keys of a path that two Pods share.
	overrides := func(name string, data map[string]string, told ...string) attack {
		return attack{name: name, harmless: len(told) == 0, told: told, make: func(h *hostile) {
			h.entry(path)
			h.more(1, "["+path+"]")
			h.add(configMap("hostile", "rooms", data))
		}, wants: append([]want{room("red"), room("blue/x"), room("%24host"), room("%7e.*"), room("include"), room("x%0ay")}, good...)}
	}
	many := func(n int, value string) map[string]string {
		data := make(map[string]string, n)
		for i := range n {
			data[fmt.Sprintf("key-%d", i)] = value
		}
		return data
	}
	const dropped = "ConfigMap/hostile/rooms|data|the override is dropped, the hash decides"
	twins := map[string]string{}
	for i := range 9 {
		twins[strings.ToUpper("abcdefghi"[:i])+"abcdefghi"[i:]] = "good"
	}
	return []attack{
		overrides("words that nginx knows", map[string]string{"include": "good", "default": "more-0", "hostnames": "good", "volatile": "more-0", "server": "good", ".": "good", "-": "good", "_": "good"}),
		overrides("keys that are none", map[string]string{"~.*": "good", "$host": "good", "a;b": "good", "a\nb": "good", "": "good", `\x`: "good", "*": "good", "a b": "good", "{": "good", "\x00": "good", "/etc/passwd": "good"}, dropped),
		overrides("keys too long", map[string]string{strings.Repeat("k", 300): "good", strings.Repeat("k", 100_000): "good"}, dropped),
		overrides("others' Pods", map[string]string{"a": "witness-0", "b": "vault", "c": "witness/witness-0", "d": "../vault/vault", "e": "newcomer"}, dropped, "is none of the Pods that have keys"),
		overrides("Pods with an injection", map[string]string{"a": "good; return 200 pwned", "b": "@VAULT:80", "c": "$host", "d": "", "e": "good\nmore-0", "f": "unix:/tmp/x", "g": "http://127.0.0.1", "h": "pods-0123456789abcdef0123456789abcdef", "i": "none"}, dropped),
		overrides("spaces around Pods", map[string]string{"a": " good\n", "b": "\tmore-0 "}),
		overrides("10,001 overrides", many(10_001, "good"), "ConfigMap/hostile/rooms|data|the last 1 overrides by key are dropped"),
		overrides("20,000 overrides of nobody", many(20_000, "nobody"), "is none of the Pods", "more overrides are dropped for such reasons", "there may be 10000"),
		overrides("twins", twins, "ConfigMap/hostile/rooms|8 others differ from its key by case alone"),
		overrides("1 MiB for a Pod", map[string]string{"a": strings.Repeat("x", 1<<20)}, dropped),
		{name: "witness's ConfigMap", make: func(h *hostile) {
			h.entry(path)
			h.add(configMap("hostile", "other", map[string]string{"red": "good"}))
		}, maybe: true, wants: append([]want{room("red"), room("blue")}, good...)},
		{name: "ConfigMap of binary data", maybe: true, make: func(h *hostile) {
			h.entry(path)
			h.yaml("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rooms, namespace: hostile}\nbinaryData: {red: /w==}\ndata: {blue: witness-1}")
		}, wants: append([]want{room("red"), room("blue")}, good...)},
		{name: "Pods with the witness's names", harmless: true, make: func(h *hostile) {
			h.entry(path)
			p := h.pod.DeepCopy()
			p.Name = "witness-0"
			q := h.pod.DeepCopy()
			q.Name = "witness-1"
			h.add(p, q, configMap("hostile", "rooms", map[string]string{"red": "witness-1", "blue": "witness-0"}))
		}, wants: append([]want{room("red"), room("blue"), {host: "www.witness.example", uri: "/rooms/red", pod: "witness-0", header: apiKey("witness's key")}}, good...)},
		{name: "names of Pods", failed: "object ignored", told: []string{"object ignored|Pod"}, make: func(h *hostile) {
			h.entry(path)
			for _, name := range []string{"evil\n} return 200 pwned; #", "a;b", "$host", "A", "../witness-0", "a b", strings.Repeat("a", 254)} {
				p := h.pod.DeepCopy()
				p.Name = name
				h.add(p)
			}
		}, wants: append([]want{room("red")}, good...)},
		{name: "names of StatefulSets", failed: "object ignored", told: []string{"object ignored|StatefulSet"}, make: func(h *hostile) {
			yes := true
			for i, name := range []string{"x; } server { return 200 pwned; } #", "", "more", "a\nb", "witness"} {
				h.more(1, "["+path+"]")
				p := podOf(h.objects[len(h.objects)-1])
				p.Name = fmt.Sprintf("more-%d", i)
				p.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: name, Controller: &yes}}
			}
			h.add(map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"namespace": "hostile", "name": "x; }"}, "spec": map[string]any{"replicas": 3, "selector": map[string]any{}, "template": map[string]any{}}})
		}, wants: good},
		{name: "number of a Pod", maybe: true, make: func(h *hostile) {
			yes := true
			for _, name := range []string{"set-9223372036854775807", "set-99999999999999999999", "set-007", "set--1", "set-2147483647"} {
				h.more(1, "["+path+"]")
				p := podOf(h.objects[len(h.objects)-1])
				p.Name, p.OwnerReferences = name, []metav1.OwnerReference{{Kind: "StatefulSet", Name: "set", Controller: &yes}}
			}
		}},
		{name: "1,000 Pods", maybe: true, make: func(h *hostile) { h.entry(path); h.more(1000, "["+path+"]") }, wants: append([]want{room("red"), room("blue")}, good...)},
		{name: "1,000 Pods on 6 paths", maybe: true, make: func(h *hostile) {
			var entries []string
			for i := range 6 {
				entries = append(entries, strings.Replace(path, "/rooms", fmt.Sprintf("/rooms%d", i), 1))
			}
			h.more(1000, "["+strings.Join(entries, ", ")+"]")
		}, told: []string{"the paths with policy \"hash\" of Namespace hostile have more than 4000 Pods together"}},
		{name: "keys that nobody can know", harmless: true, make: func(h *hostile) {
			h.entry(strings.Replace(path, "segment:1", "arg:room", 1))
		}, wants: append([]want{{host: "hostile.example", uri: "/rooms?room=$x;{}&room=~", pod: "evil"}, {host: "hostile.example", uri: "/rooms?room=" + strings.Repeat("k", 3000), pod: "evil"}, {host: "hostile.example", uri: "/rooms", pod: "evil"}}, good...)},
	}
}
