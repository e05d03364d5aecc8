/*
 * Keeps a page of the dashboard true while somebody looks at it: asks every two seconds what has
 * changed (dashboard_document.h tells the answer's form) and changes just that, so that focus,
 * selection and scroll position stay. Without this script the page is complete, too.
 */
'use strict';

(() => {
    const PERIOD = 2000; // ms between two questions
    const SLOWEST = 30000; // ms between two while the server does not answer
    const PATIENCE = 15000; // ms until an answer counts as none
    const TYPING = 200; // ms without a key until what was typed is searched for

    const live = document.getElementById('live');
    const rows = document.getElementById('rows'); // null on a client's page
    const search = document.getElementById('q'); // the same

    let since = ''; // what the server says that we have
    let clock = 0; // ms that the server's clock is ahead of ours
    let timer = 0; // of the next question
    let request = null; // the one under way
    let failures = 0; // in a row
    let lost = null; // when the server was lost

    // --- times ---

    function passed(seconds) {
        if (seconds < 120) {
            return `${seconds} s`;
        }
        if (seconds < 7200) {
            return `${Math.floor(seconds / 60)} min`;
        }
        if (seconds < 172800) {
            return `${Math.floor(seconds / 3600)} h`;
        }
        return `${Math.floor(seconds / 86400)} days`;
    }

    // Say how long ago it was, or how long it has been so, of all times in here.
    function tick(place) {
        const now = Date.now() + clock;
        for (const time of place.querySelectorAll('time.ago, time.since')) {
            const seconds = Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000));
            const text = passed(seconds) + (time.className === 'ago' ? ' ago' : '');
            if (time.textContent !== text) {
                time.textContent = text;
            }
        }
    }

    // --- merging: make what is there what it is to be, and touch nothing else ---

    function mergeChildren(place, wanted) {
        let old = place.firstChild;
        for (const node of [...wanted.childNodes]) {
            const next = old && old.nextSibling;
            if (!old) {
                place.append(node);
            } else if (old.nodeName === node.nodeName) {
                merge(old, node);
            } else {
                old.replaceWith(node);
            }
            old = next;
        }
        while (old) {
            const next = old.nextSibling;
            old.remove();
            old = next;
        }
    }

    function merge(old, node) {
        if (!(old instanceof Element)) {
            if (old.data !== node.data) {
                old.data = node.data;
            }
            return;
        }
        for (const { name } of [...old.attributes]) {
            if (!node.hasAttribute(name)) {
                old.removeAttribute(name);
            }
        }
        for (const { name, value } of node.attributes) {
            if (old.getAttribute(name) !== value) {
                old.setAttribute(name, value);
            }
        }
        mergeChildren(old, node);
    }

    // The server's HTML, every text in it escaped; nothing in a template runs or is loaded.
    function parse(html) {
        const template = document.createElement('template');
        template.innerHTML = html;
        tick(template.content);
        return template.content;
    }

    // --- what the server says ---

    function applyParts(parts) {
        for (const [id, html] of Object.entries(parts)) {
            mergeChildren(document.getElementById(id), parse(html));
        }
    }

    function applyRows(changed) {
        for (const [id, html] of Object.entries(changed)) {
            const row = parse(html).querySelector('tr');
            const old = document.getElementById(row.id);
            if (old) {
                merge(old, row);
            } else {
                rows.append(row);
            }
        }
    }

    function applySeen(seen) {
        for (const [id, when] of Object.entries(seen)) {
            const time = document.querySelector(`#c-${id} time.ago`);
            if (time) {
                time.dateTime = when;
                time.title = `${when.slice(0, 10)} ${when.slice(11, 19)} UTC`;
            }
        }
    }

    // Put rows into this order, with as few moves as that takes. Returns false when one is missing, or
    // is not what the server has.
    function applyOrder(order) {
        const focused = document.activeElement;
        for (const [place, entry] of order.entries()) {
            const [id, light] = entry.split(' ');
            const row = document.getElementById(`c-${id}`);
            if (!row || row.className !== light) {
                return false;
            }
            const there = rows.children[place];
            if (there !== row && there.nextElementSibling === row) {
                rows.append(there); // it is the one that moves
            } else if (there !== row) {
                rows.insertBefore(row, there);
            }
        }
        while (rows.children.length > order.length) {
            rows.lastElementChild.remove();
        }
        rows.parentElement.hidden = order.length === 0;
        if (focused.isConnected && focused !== document.activeElement) {
            focused.focus({ preventScroll: true });
        }
        return true;
    }

    // Returns false when that is not enough: then all is to be asked for.
    function apply(news) {
        clock = Date.parse(news.now) - Date.now();
        applyParts(news.parts || {});
        applyRows(news.rows || {});
        applySeen(news.seen || {});
        tick(document);
        return !news.order || applyOrder(news.order);
    }

    // --- asking ---

    function say(state, text) {
        if (live.className !== state) {
            live.className = state;
            live.textContent = text;
        }
    }

    function found() {
        failures = 0;
        lost = null;
        say('live', 'Live');
    }

    function missed(error) {
        failures += 1;
        lost = lost || new Date();
        const time = lost.toLocaleTimeString();
        say('lost', `Not live since ${time}: ${error.message}. Trying again …`);
    }

    async function ask(signal) {
        const query = new URLSearchParams(location.search);
        query.set('since', since);
        let answer;
        try {
            answer = await fetch(`${location.pathname}?${query}`, { signal, cache: 'no-store' });
        } catch {
            throw new Error('the server cannot be reached');
        }
        if (answer.status === 404) {
            throw new Error('this is no longer there');
        }
        if (!answer.ok || !/^application\/json/.test(answer.headers.get('Content-Type'))) {
            throw new Error(`the server answers otherwise (${answer.status}); a reload may help`);
        }
        return answer.json();
    }

    function plan() {
        if (!document.hidden) {
            timer = setTimeout(refresh, Math.min(PERIOD * 2 ** failures, SLOWEST));
        }
    }

    async function refresh() {
        clearTimeout(timer);
        if (request) {
            request.abort();
        }
        const mine = new AbortController();
        const limit = setTimeout(() => mine.abort(), PATIENCE);
        request = mine;
        try {
            const news = await ask(mine.signal);
            if (request !== mine) {
                return;
            }
            const whole = since === '';
            since = apply(news) || whole ? news.since : '';
            found();
        } catch (error) {
            if (request !== mine) {
                return;
            }
            missed(error);
        } finally {
            clearTimeout(limit);
        }
        request = null;
        if (since === '' && failures === 0) {
            refresh();
        } else {
            plan();
        }
    }

    // --- what people do ---

    function show(address, remember) {
        history[remember ? 'pushState' : 'replaceState'](null, '', address);
        since = '';
        refresh();
    }

    function searchFor(words) {
        const query = new URLSearchParams(location.search);
        query.delete('page');
        query.delete('q');
        if (words) {
            query.set('q', words);
        }
        show(`?${query}`, false);
    }

    function showWords() {
        search.value = new URLSearchParams(location.search).get('q') || '';
    }

    function watchSearch() {
        let typing = 0;
        search.addEventListener('input', () => {
            clearTimeout(typing);
            typing = setTimeout(() => searchFor(search.value.trim()), TYPING);
        });
        search.form.addEventListener('submit', (event) => {
            event.preventDefault();
            clearTimeout(typing);
            searchFor(search.value.trim());
        });
        document.addEventListener('keydown', (event) => {
            if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey &&
                event.target !== search) {
                event.preventDefault();
                search.focus();
            }
        });
    }

    // A link to other rows of this page.
    function watchLinks() {
        document.addEventListener('click', (event) => {
            const link = event.target.closest('a[href^="?"]');
            if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey ||
                event.altKey) {
                return;
            }
            event.preventDefault();
            show(link.getAttribute('href'), true);
            showWords();
        });
        window.addEventListener('popstate', () => {
            since = '';
            showWords();
            refresh();
        });
    }

    function rest() {
        clearTimeout(timer);
        if (!document.hidden) {
            refresh();
        }
    }

    if (rows) {
        watchSearch();
        watchLinks();
    }
    document.addEventListener('visibilitychange', rest);
    setInterval(() => document.hidden || tick(document), 1000);
    rest();
})();
