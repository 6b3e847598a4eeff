"""Speaks as much of the Hugging Face Hub's protocol, on 127.0.0.1, as its client needs here."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_a_test"
_REPO = r"(?P<repo>[^/]+/[^/]+)"


class Hub:
    """Keeps repositories: a list of commits each, of which every one has all of its files.

    Attributes:
        repos: the commits of each repository, as ``(id, files)``, the newest last.
        private: repositories that only the owner of the token may read.
        requests: the requests so far, as ``"METHOD path"``.
        fails: path -> status with which the next request to it is answered.
    """

    def __init__(self):
        self.repos, self.large = {}, {}
        self.private, self.gated, self.requests, self.fails = set(), set(), [], {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        """Stop answering; the address is then free."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def commit(self, repo, files):
        """Add a commit that has these files, and return its id."""
        content = json.dumps([repo, len(self.repos.setdefault(repo, []))]).encode()
        commit = hashlib.sha1(content).hexdigest()
        self.repos[repo].append((commit, dict(files)))
        return commit

    def files(self, repo):
        """Return the files of the newest commit."""
        return self.repos[repo][-1][1]

    def at(self, repo, revision):
        """Return the commit that a revision names, or None."""
        commits = self.repos[repo]
        if revision == "main":
            return commits[-1]
        return next((c for c in commits if c[0] == revision), None)


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def _answer(self, status=200, body=b"", headers=()):
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _refuse(self, status, code):
            self._answer(status, {"error": code}, {"X-Error-Code": code, "X-Error-Message": code})

        def _serve(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            path = unquote(urlsplit(self.path).path)
            hub.requests.append(f"{self.command} {path}")
            if path in hub.fails:
                self._answer(hub.fails[path], {"error": "as the test wants"})
                return
            for method, pattern, answer in routes:
                match = re.fullmatch(pattern, path)
                if match and self.command in method.split("|"):
                    answer(self, body, **match.groupdict())
                    return
            self._refuse(404, "NoSuchRoute")

        def __getattr__(self, name):
            """Serve each method in the same way; the library looks for ``do_GET`` and so on."""
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

        def _is_known(self):
            return self.headers.get("Authorization") == f"Bearer {TOKEN}"

        def _may_read(self, repo):
            if repo in hub.gated:
                self._refuse(403, "GatedRepo")
            elif repo not in hub.repos or (repo in hub.private and not self._is_known()):
                self._refuse(404 if self._is_known() else 401, "RepoNotFound")
            else:
                return True
            return False

        def create(self, body):
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}"
            if not self._is_known():
                self._answer(401, {"error": "no token"})
                return
            if repo in hub.repos:
                self._answer(409, {"error": "it exists"})
                return
            hub.commit(repo, {".gitattributes": b"*.safetensors lfs\n"})
            if asked.get("visibility") == "private":
                hub.private.add(repo)
            self._answer(200, {"url": f"{hub.address}/{repo}"})

        def validate(self, body):
            content = json.loads(body)["content"]
            good = content.startswith("---\n")
            errors = [] if good else [{"message": "no header"}]
            self._answer(200 if good else 400, {"errors": errors, "warnings": []})

        def info(self, body, repo, revision="main"):
            if not self._may_read(repo):
                return
            commit = hub.at(repo, revision)
            siblings = [{"rfilename": name} for name in commit[1]]
            self._answer(200, {"id": repo, "sha": commit[0], "siblings": siblings})

        def preupload(self, body, repo, revision):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})

        def batch(self, body, repo):
            objects = [
                {**each, "actions": {"upload": {"href": f"{hub.address}/large/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self._answer(200, {"transfer": "basic", "objects": objects})

        def put(self, body, oid):
            hub.large[oid] = body
            self._answer(200 if hashlib.sha256(body).hexdigest() == oid else 400)

        def commit(self, body, repo, revision):
            newest, files = hub.repos[repo][-1]
            files = dict(files)
            for line in body.decode().splitlines():
                kind, value = (json.loads(line)[key] for key in ("key", "value"))
                if kind == "header" and value.get("parentCommit", newest) != newest:
                    self._answer(412, {"error": "the parent is another one"})
                    return
                if kind == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                if kind == "lfsFile":
                    files[value["path"]] = hub.large[value["oid"]]
                if kind == "deletedFile":
                    del files[value["path"]]
            commit = hub.commit(repo, files)
            url = f"{hub.address}/{repo}/commit/{commit}"
            self._answer(200, {"commitUrl": url, "commitOid": commit})

        def resolve(self, body, repo, revision, file):
            if not self._may_read(repo):
                return
            commit = hub.at(repo, revision)
            if commit is None:
                self._refuse(404, "RevisionNotFound")
            elif file not in commit[1]:
                self._refuse(404, "EntryNotFound")
            else:
                content = commit[1][file]
                etag = f'"{hashlib.sha256(content).hexdigest()}"'
                self._answer(200, content, {"X-Repo-Commit": commit[0], "ETag": etag})

    routes = [
        ("POST", "/api/repos/create", Handler.create),
        ("POST", "/api/validate-yaml", Handler.validate),
        ("GET", f"/api/models/{_REPO}", Handler.info),
        ("GET", f"/api/models/{_REPO}/revision/(?P<revision>.+)", Handler.info),
        ("POST", f"/api/models/{_REPO}/preupload/(?P<revision>.+)", Handler.preupload),
        ("POST", f"/{_REPO}.git/info/lfs/objects/batch", Handler.batch),
        ("PUT", "/large/(?P<oid>[0-9a-f]+)", Handler.put),
        ("POST", f"/api/models/{_REPO}/commit/(?P<revision>.+)", Handler.commit),
        ("GET|HEAD", f"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", Handler.resolve),
    ]
    return Handler
