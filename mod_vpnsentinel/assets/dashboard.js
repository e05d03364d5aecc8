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
    let pause = PERIOD; // ms until it
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

    // The server tells whole seconds, of some time between our question and now: a clock that may be
    // right stays, and times go on evenly however late an answer is.
    function setClock(told, asked) {
        const least = told - Date.now();
        const most = told + 1000 - asked;
        if (clock < least) {
            clock = least;
        } else if (clock > most) {
            clock = most;
        }
    }

    // Say how long ago it was, or how long it has been so, of all times in here.
    function tick(place) {
        const now = Date.now() + clock;
        for (const time of place.querySelectorAll('time.ago, time.since')) {
            const seconds = Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000));
            const text = passed(seconds) + (time.className === 'ago' ? ' ago' : '');
            if (time.textContent !== text) {
                time.firstChild.data = text;
            }
        }
    }

    // --- merging: make what is there what it is to be, and touch nothing else ---

    // What stands for the same in both: by id, or a link by what it leads to, else by its kind.
    function nameOf(node) {
        return `${node.nodeName} ${node.id || node.rel || ''}`;
    }

    // The child to become this one: the next one, or one behind it if that has a name of its own.
    function findSame(old, node) {
        while (old && nameOf(old) !== nameOf(node) && (node.id || node.rel)) {
            old = old.nextSibling;
        }
        return old && nameOf(old) === nameOf(node) ? old : null;
    }

    function mergeChildren(place, wanted) {
        let old = place.firstChild;
        const removeUntil = (end) => {
            while (old !== end) {
                const next = old.nextSibling;
                old.remove();
                old = next;
            }
        };
        for (const node of [...wanted.childNodes]) {
            const same = findSame(old, node);
            if (same) {
                removeUntil(same);
                merge(same, node);
                old = same.nextSibling;
            } else {
                place.insertBefore(node, old);
            }
        }
        removeUntil(null);
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

    // The rows of this order, by their place in it; null when one is missing, or is not what the
    // server has.
    function findRows(order) {
        const wanted = new Map();
        for (const entry of order) {
            const [id, light] = entry.split(' ');
            const row = document.getElementById(`c-${id}`);
            if (!row || row.className !== light) {
                return null;
            }
            wanted.set(row, wanted.size);
        }
        return wanted;
    }

    // Move rows that changed, or else those that have the longest way, so that others are not touched.
    function sortRows(wanted, changed) {
        const isChanged = (row) => Object.hasOwn(changed, row.id.slice('c-'.length));
        for (const [row, place] of wanted) {
            let way = Array.prototype.indexOf.call(rows.children, row) - place;
            for (; way > 0 && !isChanged(row); way -= 1) {
                const there = rows.children[place];
                if (!isChanged(there) && wanted.get(there) - place <= way) {
                    break;
                }
                rows.append(there); // in its turn it comes to its place
            }
            if (way > 0) {
                rows.insertBefore(row, rows.children[place]);
            }
        }
    }

    // Returns false when what is there is not enough for it.
    function applyOrder(order, changed) {
        const focused = document.activeElement;
        const wanted = findRows(order);
        if (!wanted) {
            return false;
        }
        for (const row of [...rows.children]) {
            if (!wanted.has(row)) {
                row.remove();
            }
        }
        sortRows(wanted, changed);
        rows.parentElement.hidden = order.length === 0;
        if (focused.isConnected && focused !== document.activeElement) {
            focused.focus({ preventScroll: true });
        }
        return true;
    }

    // Returns false when that is not enough: then all is to be asked for.
    function apply(news, asked) {
        setClock(Date.parse(news.now), asked);
        applyParts(news.parts || {});
        applyRows(news.rows || {});
        applySeen(news.seen || {});
        tick(document);
        return !news.order || applyOrder(news.order, news.rows || {});
    }

    // --- asking ---

    function say(state, text) {
        live.className = state;
        if (live.textContent !== text) {
            live.textContent = text; // which is read out
        }
    }

    function found() {
        pause = PERIOD;
        lost = null;
        say('live', 'Live');
    }

    function missed(error) {
        pause = Math.min(error.pause || pause * 2, SLOWEST);
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
        if (answer.status === 503 && answer.headers.has('Retry-After')) {
            const pause = 1000 * answer.headers.get('Retry-After');
            throw Object.assign(new Error('the server is not ready'), { pause });
        }
        if (answer.status === 404) {
            throw new Error('this is no longer there');
        }
        if (!answer.ok || !/^application\/json/.test(answer.headers.get('Content-Type'))) {
            throw new Error(`the server answers otherwise (${answer.status}); a reload may help`);
        }
        try {
            return await answer.json();
        } catch {
            throw new Error('its answer cannot be read');
        }
    }

    // What came is for another script than this one, maybe after an upgrade.
    function take(news, asked) {
        try {
            return apply(news, asked);
        } catch {
            throw new Error('this page is of another version; a reload may help');
        }
    }

    function plan() {
        if (!document.hidden) {
            timer = setTimeout(refresh, pause);
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
        const asked = Date.now();
        try {
            const news = await ask(mine.signal);
            if (request !== mine) {
                return;
            }
            const whole = since === '';
            since = take(news, asked) || whole ? news.since : '';
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
        if (since === '' && !lost) {
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

    // What is pasted can have tabs, and marks that no text has.
    function typed() {
        return search.value.replace(/[\p{Cc}\uFEFF]+/gu, ' ').trim();
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
            typing = setTimeout(() => searchFor(typed()), TYPING);
        });
        search.form.addEventListener('submit', (event) => {
            event.preventDefault();
            clearTimeout(typing);
            searchFor(typed());
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
            if (link.rel) {
                search.form.scrollIntoView(); // another page is read from its top
            }
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
