package traffic

import (
	"net/http"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// TestPublicAndPrivate: DF25. The two routers of deploy/overlays/public-private
// run side by side, each with the settings of its container; on the same Pods,
// neither serves the other's hosts and paths.
func TestPublicAndPrivate(t *testing.T) {
	t.Parallel()
	settings := overlaySettings(t, "../../deploy/overlays/public-private")
	web := newPod(t, "shop", "web")
	ns := namespace("shop")
	for _, side := range []string{".public", ".private"} {
		ns.Annotations[hostsKey+side] = toJSON(map[string]any{"www" + side + ".example.com": map[string]any{}})
		web.Annotations[pathsKey+side] = toJSON([]entry{{"basePath": "/" + side[1:], "containerPort": web.port}})
	}
	public, private := prepare(t), prepare(t)
	public.apply(ns, web)
	private.manifests = public.manifests
	public.env, private.env = settings["dispatcher-public"], settings["dispatcher-private"]
	sides := map[string]*dispatcher{"public": public, "private": private}
	for _, d := range sides {
		d.run() // its flags replace PORT and ADMIN_ADDR alone
	}
	for side, d := range sides {
		for _, host := range []string{"public", "private"} {
			for _, path := range []string{"public", "private"} {
				got := d.try("www."+host+".example.com", "/"+path)
				switch {
				case host != side && !got.closed():
					t.Errorf("the %s one serves the %s host with %d", side, host, got.Status)
				case host == side && path != side && got.Status != http.StatusNotFound:
					t.Errorf("the %s one answers the %s path with %d", side, path, got.Status)
				case host == side && path == side && got.Pod != "web":
					t.Errorf("the %s one: %+v", side, got)
				}
			}
		}
	}
}

// overlaySettings builds a kustomization and returns the environment of each
// container of its DaemonSet.
func overlaySettings(t *testing.T, folder string) map[string][]string {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for _, r := range built.Resources() {
		if r.GetKind() != "DaemonSet" {
			continue
		}
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		var set appsv1.DaemonSet
		if err := yaml.UnmarshalStrict(text, &set); err != nil {
			t.Fatal(err)
		}
		for _, c := range set.Spec.Template.Spec.Containers {
			for _, e := range c.Env {
				if e.ValueFrom == nil {
					settings[c.Name] = append(settings[c.Name], e.Name+"="+e.Value)
				}
			}
		}
	}
	if len(settings) != 2 {
		t.Fatalf("%s has settings for %d containers, want 2: %v", folder, len(settings), settings)
	}
	return settings
}
