# make run   the demonstration street on http://127.0.0.1:8000 (PORT=… chooses another port)
# make test  every test, on both databases
# make hostile  3,000 hostile requests at every screen on both databases, a line for each (about an hour)
# make pages every page of every role in chromium: accessibility, content policy, edges (some minutes)
# make walls  the whole isolation matrix, on both databases: some ten thousand requests each (many minutes)
# make faults  kills, stops, locks and fills what Jinlin stands on, and prints what happens (ROUNDS=50; some root)
# make lock  requirements.lock from requirements.in
# make bench  the speed against plain Flask-Admin and the floor: two hours and 6 GB in /tmp; a part of it in minutes:
#             make bench ONLY=lists KIND=sqlite ROWS=100000 (ONLY: lists growth create report worker writers), see docs/speed.md
# make pictures  the screenshots in docs/pictures, from a fresh demonstration (needs /usr/bin/chromium)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PO := $(wildcard translations/*/LC_MESSAGES/*.po)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test walls hostile bench pages faults lock pictures clean

run: .venv/ok .venv/words
	@.venv/bin/jinlin serve --demo

test: .venv/ok .venv/words
	.venv/bin/ruff check --quiet core plugins tests docs
	.venv/bin/pytest -n 2 -q -rs

hostile: .venv/ok .venv/words
	HOSTILE=3000 .venv/bin/pytest -n 0 -q -s tests/hostile/test_bad_input.py

pages: .venv/ok .venv/words
	.venv/bin/pytest -n 0 -q -s tests/browser/every_page.py

walls: .venv/ok .venv/words
	.venv/bin/pytest -n 2 --dist loadgroup -q -rsP --show-capture=stdout tests/isolation/long_*.py

faults: .venv/ok .venv/words
	.venv/bin/pytest -n 0 -q -rs tests/faults

lock: .venv/ok
	.venv/bin/pip install --quiet uv
	.venv/bin/uv pip compile --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links requirements.in -o requirements.lock

bench: .venv/ok .venv/words
	.venv/bin/python -m tests.bench

pictures: .venv/ok .venv/words
	.venv/bin/python docs/take_pictures.py

clean:
	rm -rf .venv build *.egg-info

# The mark is made last: an installation that was broken off is done again.
.venv/ok: requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Jinlin needs Python 3.11 or newer / 需要 Python 3.11 以上"; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "Please install venv / 请先安装：apt install python3-venv"; exit 2; }
	.venv/bin/pip install --quiet --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/words: .venv/ok $(PO)
	@$(if $(PO),.venv/bin/pybabel --quiet compile -d translations,true)
	@touch $@
