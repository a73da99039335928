# The course's commands; `make help` lists them.  Needed: Python >= 3.11, make, a package index.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check $(if $(CI),-qq)

# What is installed is keyed on what was asked for, so a second run finds its stamp and starts.
KEY := $(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)
INSTALLED := $(VENV)/installed-$(KEY)

.PHONY: help install lab keep check test test-portable lesson site pictures links publish release assignment grade feedback slides notebooks model-table paper-tables resolution-table test-colab bench hunt lock clean

help:
	@echo "make lab                open JupyterLab on the course"
	@echo "make test               run all tests and all notebooks"
	@echo "make check              what is checked in seconds: style, built files, workflows"
	@echo "make lesson LESSON=02   run one solved lesson, leave a page under build/lessons"
	@echo "make site               the course as pages under build/site (RUN=standard: run in full)"
	@echo "make pictures           draw the pictures of the README, the site and the notebooks"
	@echo "make links              ask whether the addresses that the course names still answer"
	@echo "make publish REPO=owner/name   put the repository's address everywhere"
	@echo "make release            build the wheel under dist; refuses a placeholder address"
	@echo "make assignment LESSON=02   write the lesson into an nbgrader course folder (COURSE=course)"
	@echo "make grade LESSON=02 SUBMITTED=dir   grade submissions, points of each exercise in a csv"
	@echo "make feedback LESSON=02   a page for each graded student, without hidden tests"
	@echo "make slides LESSON=02   a deck of one lesson for the projector"
	@echo "make keep               move notebooks that you filled to my/, put ours back"
	@echo "make notebooks          build the notebooks from notebooks/source"
	@echo "make resolution-table   train and score the strategies of lesson 05 (hours; it goes on)"
	@echo "make test-colab         run the notebooks with the versions that Colab has"
	@echo "make bench              measure speed against other packages"
	@echo "make paper-tables       train and score papers 3 and 5 for lesson 03 (hours; it goes on)"
	@echo "make model-table        train and score the networks of lesson 06 (an hour; goes on)"
	@echo "make hunt MINUTES=30    hostile inputs with fresh seeds, a table of what came of them"
	@echo "make lock               resolve the newest versions into requirements.lock"
	@echo "make clean              remove the environments and everything built"
	@echo "The first run makes $(VENV) and installs into it; later ones reuse it."

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is older than 3.11; say which one to use: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into $(VENV): on Linux about 6 GB, most of it torch; some minutes, once."
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) install -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/installed-*
	touch $@

install: $(INSTALLED)

# As root, or where no browser can open, JupyterLab prints its address instead.
lab: $(INSTALLED)
	@flags=""; \
	if [ "$$(id -u)" = 0 ]; then flags="--allow-root --no-browser"; \
	elif [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then flags="--no-browser"; fi; \
	exec $(BIN)/python -m jupyterlab $$flags --LabApp.default_url=/lab/tree/notebooks

# One thread for each of the processes that run side by side: with more they only hinder each other.
test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: $(INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m tools.builder --check
	$(BIN)/python -m pytest -q -n 0 tests/test_repository.py -k "not wheel and not resolves"

# Not run by us on those systems.  Left out is what needs Chromium, and nbgrader's POSIX limits.
test-portable: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
	  --ignore tests/test_browser.py --ignore tests/test_site.py --ignore tests/test_grading.py

RUN ?= tiny
site: $(INSTALLED)
	$(BIN)/python -m tools.site --run $(RUN)

pictures: $(INSTALLED)
	$(BIN)/python -m tools.pictures

links: $(INSTALLED)
	$(BIN)/python -m tools.site --run tiny --links --out build/links

publish: $(INSTALLED)
	$(BIN)/python -m tools.address publish "$(REPO)"

release: $(INSTALLED)
	$(BIN)/python -m tools.address refuse
	$(BIN)/python -m tools.builder --check
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

LESSON ?= 01
lesson: $(INSTALLED)
	$(BIN)/python -m tools.run_lesson $(LESSON)

COURSE ?= course
assignment: $(INSTALLED)
	$(BIN)/python -m tools.grading assignment $(LESSON) --course "$(COURSE)"

grade: $(INSTALLED)
	$(BIN)/python -m tools.grading grade $(LESSON) $(if $(SUBMITTED),"$(SUBMITTED)") \
	  --course "$(COURSE)" --workers $(WORKERS) $(OPTIONS)

feedback: $(INSTALLED)
	$(BIN)/python -m tools.grading feedback $(LESSON) --course "$(COURSE)"

slides: $(INSTALLED)
	$(BIN)/python -m tools.slides $(LESSON)

notebooks: $(INSTALLED)
	$(BIN)/python -m tools.builder $(if $(FORCE),--force)
	$(BIN)/python -m tools.schedule

keep: $(INSTALLED)
	$(BIN)/python -m tools.builder --keep

# In pieces below build/resolution.  A part of it: make resolution-table PART="--seeds 0 --steps 240"
resolution-table: $(INSTALLED)
	$(BIN)/python -m experiments.resolution_table $(PART)

test-colab: $(INSTALLED)
	$(BIN)/python tests/colab/run.py

model-table: $(INSTALLED)
	for set in dsb2018 glas; do $(BIN)/python -m experiments.model_table $$set || exit 1; done

# What is in cellkit_course/results already is not run again.  CELLKIT_DATA: the folder of the real sets.
paper-tables: $(INSTALLED)
	$(BIN)/python -m experiments.paper_tables paper5 --set dsb2018 --steps 800
	$(BIN)/python -m experiments.paper_tables paper5 --set dsb2018 --steps 800 --augment default
	$(BIN)/python -m experiments.paper_tables paper5 --set dsb2018 --steps 600 --side 128
	$(BIN)/python -m experiments.paper_tables paper5 --set epfl --steps 800
	for set in dsb2018 isbi2012 epfl; do for share in 0.1 0.2 0.4; do \
	  $(BIN)/python -m experiments.paper_tables paper5 --set $$set --steps 300 --share $$share || exit 1; \
	  done; $(BIN)/python -m experiments.paper_tables paper5 --set $$set --steps 300 || exit 1; done
	$(BIN)/python -m experiments.paper_tables paper3 --steps 1200

bench: $(INSTALLED)
	$(PIP) install --constraint requirements.lock --editable ".[bench]"
	set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

MINUTES ?= 30
hunt: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python tests/hostile/hunt.py --minutes $(MINUTES)

# One file for all systems and Pythons; `tests/test_repository.py` resolves it for each of them.
lock: $(INSTALLED)
	mkdir -p build
	$(BIN)/python -m uv pip compile --quiet --upgrade --universal --python-version 3.11.2 \
	  --no-header --no-annotate --extra lab --extra test --extra site --extra instructor \
	  pyproject.toml --output-file build/requirements.lock
	{ sed -n '/^#/p' requirements.lock; cat build/requirements.lock; } > build/new.lock
	mv build/new.lock requirements.lock

clean:
	rm -rf .venv .venv-colab build dist .pytest_cache .ruff_cache .hypothesis
	find cellkit cellkit_course experiments tools tests notebooks benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
