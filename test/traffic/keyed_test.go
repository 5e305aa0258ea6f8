package traffic

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/pkg/route/policy/slots"
)

// by makes a path one whose requests go to the Pod of their key.
func (e entry) by(key string) entry {
	e["policy"], e["key"] = "hash", key
	return e
}

// configMap makes a ConfigMap of Namespace shop.
func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Data:       data,
	}
}

// keepers are Pods of which each has its keys.
type keepers []string

// newKeepers makes Pods of Namespace shop.
func newKeepers(t testing.TB, paths func() []entry) (pods []*pod, names keepers) {
	t.Helper()
	for i := range 4 {
		names = append(names, fmt.Sprintf("room-%d", i))
		pods = append(pods, newPod(t, "shop", names[i], paths()...))
	}
	return pods, names
}

// of is the Pod of a key, without asking anybody.
func (k keepers) of(key string) string {
	runs := slots.Names(k)
	return k[runs[slots.Find(runs, key)].Member]
}

// like finds a key of a Pod.
func (k keepers) like(prefix, pod string) string {
	for i := 0; ; i++ {
		if key := fmt.Sprintf("%s%d", prefix, i); k.of(key) == pod {
			return key
		}
	}
}

func objects(pods []*pod, more ...metav1.Object) []metav1.Object {
	for _, p := range pods {
		more = append(more, p)
	}
	return more
}

// TestKeyed: HF1, HF2, HX5. Each request goes to the Pod of its key, wherever that
// stands, on every nginx to the same one; and it arrives byte for byte.
func TestKeyed(t *testing.T) {
	t.Parallel()
	pods, names := newKeepers(t, func() []entry {
		return []entry{
			at("/").by("host"), at("/ws").by("segment:1"), at("/deep/er").by("segment:2"), at("/from").to("/to").by("segment:1"), at("/arg").by("arg:room"),
			at("/head").by("header:X-Room"), at("/crumb").by("cookie:room"), {"basePath": "/exact", "match": "exact", "policy": "hash", "key": "segment:1"},
		}
	})
	d := start(t, objects(pods, namespace("shop", "www.example.com", "*.example.org"))...)
	want := func(key, host, uri string, headers ...string) {
		t.Helper()
		arrives := strings.Replace(uri, "/from", "/to", 1)
		got := d.ask(host, uri, headers...)
		if got.Pod != names.of(key) || got.URI != arrives || got.Status != http.StatusOK {
			t.Errorf("%s%s %v: status %d, Pod %s, URI %s; want %s, of the key %q", host, uri, headers, got.Status, got.Pod, got.URI, names.of(key), key)
		}
	}
	served := map[string]bool{}
	for i := range 200 {
		key := fmt.Sprintf("room-%d", i)
		served[names.of(key)] = true
		want(key, "www.example.com", "/ws/"+key)
		want(key, "www.example.com", "/from/"+key+"/x?y")
	}
	if len(served) != len(names) {
		t.Errorf("only %v have keys", served)
	}
	for i := range 20 {
		key := fmt.Sprintf("Room_%d", i)
		want(key, "www.example.com", "/deep/er/x/"+key+"?q=1")
		want(key, "www.example.com", "/arg?a=b&room="+key+"&c=d")
		want(key, "www.example.com", "/head/x", "X-Room: "+key)
		want(key, "www.example.com", "/crumb", "Cookie: a=b; room="+key)
		host := strings.ToLower(strings.ReplaceAll(key, "_", "-"))
		want(host, host+".example.org", "/anything")
		want(host, strings.ToUpper(host)+".EXAMPLE.org:8080", "/anything")
	}
	for uri, key := range map[string]string{
		"/ws/%72oom-7": "room-7", "/ws//room-7": "room-7", "/ws/room-7/": "room-7", "/ws/room-7/a%2Fb//c/.d?x=%2F&?": "room-7", "/ws/a%20b": "a b", "/ws/a+b": "a+b",
		"/ws/a%2Fb": "a", "/ws/./room-7": "room-7", "/ws/x/../room-7": "room-7", "/ws/%C3%A4": "ä", "/ws/%ff%0a%22;$uri": "\xff\n\";$uri", "/ws/" + strings.Repeat("k", 3000): strings.Repeat("k", 3000),
		"/arg?room=a%20b": "a%20b", "/arg?ROOM=x": "x", "/arg?room=x&room=y": "x", "/arg?room=": "",
		"/ws": "", "/ws/": "", "/ws//": "", "/ws?room=x": "", "/exact": "", "/deep/er/x": "", "/deep/er/x/": "", "/arg": "", "/head": "", "/crumb": "",
	} {
		want(key, "www.example.com", uri)
	}
	want("a", "www.example.com", "/head", "X-Room: a", "X-Other: b")
	want("none", "www.example.com", "/ws/none")
	want("www", "www.example.com", "/")
}

// TestOverrides: HF3, HF4, HX9, HX10. An override beats the hash for exactly its key,
// upper case and lower case, whatever the key would mean to nginx; and only as long as
// it is there.
func TestOverrides(t *testing.T) {
	t.Parallel()
	pods, names := newKeepers(t, func() []entry { return []entry{at("/ws").by("segment:1").with("overrides", "rules")} })
	other := func(key string, i int) string { // of those that don't have it anyway
		rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == names.of(key) })
		return rest[i%len(rest)]
	}
	rules := configMap("rules", map[string]string{})
	for i, key := range []string{"room", "Room", "ROOM", "rooM", "default", "Default", "include", "hostnames", "volatile", "none", "a.b_c-d", ".dot", "-", "_", strings.Repeat("x", 253), "pods-1"} {
		rules.Data[key] = other(key, i)
	}
	rules.Data["alien"] = "www.example.com"
	d := start(t, objects(pods, namespace("shop", "www.example.com"))...)
	check := func(when string, overridden bool) {
		t.Helper()
		keys := []string{"", "rOOM", "roo", "rooms", "DEFAULT", "alien", "A.b_c-d", "=room", "x"}
		for key := range rules.Data {
			keys = append(keys, key)
		}
		for _, key := range keys {
			want := names.of(key)
			if to, ok := rules.Data[key]; ok && overridden && key != "alien" {
				want = to
			}
			if got := d.ask("www.example.com", "/ws/"+key); got.Pod != want {
				t.Errorf("%s: %q is answered by %s, status %d; want %s", when, key, got.Pod, got.Status, want)
			}
		}
	}
	check("without a ConfigMap", false)
	d.apply(rules)
	d.serves("www.example.com", "/ws/room", rules.Data["room"])
	check("with it", true)
	delete(rules.Data, "Room")
	rules.Data["ROOM"], rules.Data["new"] = other("ROOM", 5), other("new", 1)
	d.apply(rules)
	d.serves("www.example.com", "/ws/new", rules.Data["new"])
	check("changed", true)
	d.remove(rules)
	d.serves("www.example.com", "/ws/room", names.of("room"))
	check("deleted", false)
}
