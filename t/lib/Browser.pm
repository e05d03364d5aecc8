package Browser;

=head1 NAME

Browser - a headless Chromium for one test

=head1 SYNOPSIS

    plan skip_all => Browser->missing if Browser->missing;
    my $browser = Browser->start;
    $browser->open($httpd->url('/dashboard'));
    $browser->type('#search', 'office');
    $browser->keys('Tab', 'Enter');
    ok($browser->wait_for('document.querySelectorAll("tbody tr").length === 1'), 'one is left');
    is(join("\n", $browser->axe), '', 'no barrier');
    is(join("\n", $browser->console), '', 'no error');

=head1 DESCRIPTION

A browser is a process of its own with an empty profile; a test can have several. It is driven over
the WebDriver protocol (see Browser::Driver, which also ends it when the test ends), finds the
address of no name, and is without its sandbox only when root runs the test. Text goes in and comes
out as characters, not as bytes.

A CSS selector can be given wherever an element is asked for, and stands for the first that matches.

=head2 missing

Why there is no browser here, "" when there is one. missing_axe() is the same for axe-core.

=head2 start, stop

start() takes: arguments => [further arguments of chromium]. stop() is called when the object goes.

=head2 open(URL), reload, back

Return when the page, with all that it refers to, is loaded. back() is the browser's button, which may
take a moment more.

=head2 run(SCRIPT, ARGUMENT...), run_async(SCRIPT, ARGUMENT...)

Run the body of a function in the page, which sees its arguments as "arguments", and return what it
returns; that of run_async() returns by calling its last argument. Elements can be passed and are
returned. Scripts run whatever the page's policy says, also in a page without JavaScript.

=head2 before_load(SCRIPT)

Runs in each page that is opened from now on, before any script of its own.

=head2 find(SELECTOR), find_all(SELECTOR)

The first element, dies when there is none; all of them.

=head2 click(ELEMENT), type(ELEMENT, TEXT), keys(KEY...), text(ELEMENT)

As a user does: click() scrolls to the element first, and dies when something covers it. keys() go
to what has the focus: characters, names like "Tab", "Enter", "Escape", "ArrowDown", or chords like
"Shift+Tab". text() is what is seen of an element, unlike its textContent.

=head2 wait_for(CONDITION, SECONDS)

Polls until the condition is true and returns its value; false after so many seconds, 60 if none are
given. CONDITION is a function, or an expression of JavaScript; that which fails, because a page is
being loaded, is asked again.

=head2 resize(WIDTH, HEIGHT), phone

The size of the viewport in CSS pixels. phone() is 360 x 740 of a high resolution, with touch.

=head2 media(FEATURE => VALUE ...)

What the page's media queries find: type => 'print', 'prefers-color-scheme' => 'dark',
'prefers-reduced-motion' => 'reduce', 'forced-colors' => 'active' and so on. What is not named is as
it was at the start.

=head2 javascript(BOOLEAN), has_javascript, bypass_policy(BOOLEAN)

javascript() switches the page's own scripts on or off, has_javascript() tells how it is;
bypass_policy() switches off its Content-Security-Policy; for pages that are opened from now on.

=head2 hide, show

Open another tab over the page, and close it. Meanwhile only requests() and console() tell of the
page: everything else is about the tab.

=head2 screenshot(NAME, ONLY_VIEWPORT)

The whole page, or what is seen of it, as I<build folder>/t/screenshots/NAME.png; returns the path.

=head2 console

What the browser has logged since this was called last, each as "LEVEL source: message": errors of
scripts, files that are not found, violations of the policy.

=head2 requests

The URLs that pages have asked for since this was called last, also those that were blocked;
WebSockets too.

=head2 skeleton(ELEMENT, WITH_VALUES)

The tree of an element without its text: names of elements and attributes, "tr[class](td() td())".
A true second argument adds the values: "tr[class=red]()". $Browser::SKELETON declares the function
for scripts of a test: skeleton(element, withValues).

=head2 axe(OPTIONS)

The violations that axe-core finds, one line each: rule, impact, what is wrong, where. OPTIONS are
those of axe.run().

=head2 cdp(COMMAND, PARAMETERS)

A command of the Chrome DevTools Protocol, for what is not here.

=cut

use strict;
use warnings;
use feature 'state';

use Carp qw(croak);
use Cwd qw(getcwd);
use File::Path qw(make_path);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use Scalar::Util qw(weaken);

use Browser::Driver;
use VpsHttpd;

my $BUILD_DIR = $ENV{VPS_BUILDDIR} // getcwd();
my $AXE = "$BUILD_DIR/t/browser/node_modules/axe-core/axe.min.js";
my $ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';  # the protocol's name for "this is an element"

my @ARGUMENTS = (
    qw(--headless --disable-gpu --disable-quic --no-first-run --disable-sync),
    qw(--disable-background-networking --disable-component-update --disable-default-apps),
    # /dev/shm is small in containers.
    '--disable-dev-shm-usage',
    # Whatever a page refers to, nobody outside is asked.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
);

# Names of keys and what the protocol calls them.
my %KEY = (
    Backspace => 0xe003, Tab => 0xe004, Enter => 0xe007, Shift => 0xe008, Control => 0xe009,
    Alt => 0xe00a, Escape => 0xe00c, Space => 0x20, PageUp => 0xe00e, PageDown => 0xe00f,
    End => 0xe010, Home => 0xe011, ArrowLeft => 0xe012, ArrowUp => 0xe013, ArrowRight => 0xe014,
    ArrowDown => 0xe015, Delete => 0xe017,
);

my $JSON = JSON::PP->new->utf8;

# --- the browser ----------------------------------------------------------------------------------

sub missing {
    return Browser::Driver->missing;
}

sub missing_axe {
    return -r $AXE ? '' : 'not installed: axe-core';
}

sub start {
    my ($class, %option) = @_;
    my $driver = _driver();
    state $instances = 0;
    my @arguments = (@ARGUMENTS, '--user-data-dir=' . $driver->folder . '/profile.' . $instances++,
        @{ $option{arguments} // [] });
    push @arguments, '--no-sandbox' if $> == 0;
    my $session = $driver->call('POST', '/session', {
        capabilities => {
            alwaysMatch => {
                browserName => 'chrome',
                'goog:loggingPrefs' => { browser => 'ALL', performance => 'ALL' },
                'goog:chromeOptions' => { args => \@arguments },
            },
        },
    });
    my $self = bless { driver => $driver, id => $session->{sessionId}, owner => $$ }, $class;
    $self->_call('POST', '/timeouts', { script => 60_000, pageLoad => 60_000 });
    $self->resize(1280, 800);
    $self->requests;
    $self->console;
    return $self;
}

# One driver for all browsers of the test, as long as there is one.
sub _driver {
    our $driver;
    return $driver if $driver;
    my $started = Browser::Driver->start;
    weaken($driver = $started);
    return $started;
}

sub stop {
    my ($self) = @_;
    my $id = delete $self->{id} // return;
    return if $$ != $self->{owner};
    local ($?, $!, $@);
    eval { $self->{driver}->call('DELETE', "/session/$id") };
    $self->{driver} = undef;
}

sub DESTROY {
    my ($self) = @_;
    $self->stop;
}

sub _call {
    my ($self, $method, $path, $parameters) = @_;
    croak 'the browser is stopped' if !$self->{id};
    return $self->{driver}->call($method, "/session/$self->{id}$path", $parameters);
}

sub cdp {
    my ($self, $command, $parameters) = @_;
    return $self->_call('POST', '/goog/cdp/execute',
        { cmd => $command, params => $parameters // {} });
}

sub _boolean {
    return $_[0] ? JSON::PP::true : JSON::PP::false;
}

# --- pages ----------------------------------------------------------------------------------------

sub open {
    my ($self, $url) = @_;
    $self->_call('POST', '/url', { url => $url });
}

sub reload {
    my ($self) = @_;
    $self->_call('POST', '/refresh');
}

sub back {
    my ($self) = @_;
    $self->_call('POST', '/back');
}

sub run {
    my ($self, $script, @argument) = @_;
    return $self->_call('POST', '/execute/sync', { script => $script, args => \@argument });
}

sub run_async {
    my ($self, $script, @argument) = @_;
    return $self->_call('POST', '/execute/async', { script => $script, args => \@argument });
}

sub before_load {
    my ($self, $script) = @_;
    $self->cdp('Page.addScriptToEvaluateOnNewDocument', { source => $script });
}

sub wait_for {
    my ($self, $condition, $seconds) = @_;
    my $asked = ref $condition ? $condition : sub { eval { $self->run("return ($condition)") } };
    return VpsHttpd->wait_for($asked, $seconds);
}

# --- elements -------------------------------------------------------------------------------------

sub find {
    my ($self, $selector) = @_;
    return $self->_call('POST', '/element', { using => 'css selector', value => $selector });
}

sub find_all {
    my ($self, $selector) = @_;
    my $found =
        $self->_call('POST', '/elements', { using => 'css selector', value => $selector });
    return @$found;
}

# The path of an element in the protocol.
sub _path {
    my ($self, $element) = @_;
    $element = $self->find($element) if !ref $element;
    return "/element/$element->{$ELEMENT}";
}

sub click {
    my ($self, $element) = @_;
    $self->_call('POST', $self->_path($element) . '/click');
}

sub type {
    my ($self, $element, $text) = @_;
    $self->_call('POST', $self->_path($element) . '/value', { text => $text });
}

sub text {
    my ($self, $element) = @_;
    return $self->_call('GET', $self->_path($element) . '/text');
}

sub keys {
    my ($self, @keys) = @_;
    my @action;
    for my $chord (@keys) {
        my @name = length $chord > 1 ? split(/\+/, $chord) : $chord;
        my @key = map { exists $KEY{$_} ? chr $KEY{$_} : $_ } @name;
        push @action, map({ { type => 'keyDown', value => $_ } } @key),
            map({ { type => 'keyUp', value => $_ } } reverse @key);
    }
    $self->_call('POST', '/actions',
        { actions => [ { type => 'key', id => 'keyboard', actions => \@action } ] });
}

# Names are sorted: their order means nothing.
our $SKELETON = <<'JS';
const skeleton = (element, withValues) => {
    const names = [...element.attributes].map((a) => withValues ? `${a.name}=${a.value}` : a.name);
    const attributes = names.length > 0 ? `[${names.sort().join(' ')}]` : '';
    const children = [...element.children].map((child) => skeleton(child, withValues));
    return `${element.localName}${attributes}(${children.join(' ')})`;
};
JS

sub skeleton {
    my ($self, $element, $with_values) = @_;
    $element = $self->find($element) if !ref $element;
    return $self->run("$SKELETON return skeleton(...arguments)", $element, _boolean($with_values));
}

# --- what the page finds --------------------------------------------------------------------------

sub resize {
    my ($self, $width, $height) = @_;
    $self->_viewport($width, $height, 0);
}

sub phone {
    my ($self) = @_;
    $self->_viewport(360, 740, 1);
}

sub _viewport {
    my ($self, $width, $height, $is_phone) = @_;
    $self->cdp('Emulation.setDeviceMetricsOverride', {
        width => $width,
        height => $height,
        deviceScaleFactor => $is_phone ? 2 : 1,
        mobile => _boolean($is_phone),
    });
    $self->cdp('Emulation.setTouchEmulationEnabled', { enabled => _boolean($is_phone) });
    # The page hears of it a moment later. Without a viewport of its own it is wider than a phone's screen.
    my $is_so = $is_phone ? "screen.width === $width && navigator.maxTouchPoints > 0" : "innerWidth === $width";
    $self->wait_for($is_so) or croak "the page does not become $width wide";
}

sub media {
    my ($self, %value) = @_;
    my $type = delete $value{type} // '';
    my @features = map { { name => $_, value => $value{$_} } } sort CORE::keys %value;
    $self->cdp('Emulation.setEmulatedMedia', { media => $type, features => \@features });
}

sub javascript {
    my ($self, $is_on) = @_;
    $self->{no_javascript} = !$is_on;
    $self->cdp('Emulation.setScriptExecutionDisabled', { value => _boolean(!$is_on) });
}

sub has_javascript {
    my ($self) = @_;
    return !$self->{no_javascript};
}

sub bypass_policy {
    my ($self, $is_bypassed) = @_;
    $self->cdp('Page.setBypassCSP', { enabled => _boolean($is_bypassed) });
}

sub hide {
    my ($self) = @_;
    croak 'it is hidden' if $self->{page};
    $self->{page} = $self->_call('GET', '/window');
    my $tab = $self->_call('POST', '/window/new', { type => 'tab' });
    $self->_call('POST', '/window', { handle => $tab->{handle} });
}

sub show {
    my ($self) = @_;
    $self->_call('DELETE', '/window');
    $self->_call('POST', '/window', { handle => delete $self->{page} });
}

# --- what came of it ------------------------------------------------------------------------------

sub screenshot {
    my ($self, $name, $only_viewport) = @_;
    my $folder = "$BUILD_DIR/t/screenshots";
    make_path($folder);
    my $picture = $self->cdp('Page.captureScreenshot',
        { format => 'png', captureBeyondViewport => _boolean(!$only_viewport) });
    CORE::open(my $file, '>:raw', "$folder/$name.png") or croak "$name.png: $!";
    print {$file} decode_base64($picture->{data});
    close $file or croak "$name.png: $!";
    return "$folder/$name.png";
}

sub _log {
    my ($self, $type) = @_;
    return @{ $self->_call('POST', '/se/log', { type => $type }) };
}

sub console {
    my ($self) = @_;
    return map { "$_->{level} $_->{source}: $_->{message}" } $self->_log('browser');
}

sub requests {
    my ($self) = @_;
    my @url;
    for my $entry ($self->_log('performance')) {
        my $message = $JSON->decode($entry->{message})->{message};
        my $about = $message->{params};
        push @url, $about->{request}{url} if $message->{method} eq 'Network.requestWillBeSent';
        push @url, $about->{url} if $message->{method} eq 'Network.webSocketCreated';
    }
    # The browser's own pages, like that of a new tab.
    return grep { !/^chrome:/ } @url;
}

# --- accessibility --------------------------------------------------------------------------------

# What axe() runs, after axe-core itself.
my $RUN_AXE = <<'JS';
const [options, done] = arguments;
const line = (v) => `${v.id} (${v.impact}): ${v.help}: ` +
    v.nodes.map((n) => `${n.target.join(' ')} ${n.html.slice(0, 200)}`).join(' | ');
axe.run(document, { resultTypes: ['violations'], ...options }).then((r) => done(r.violations.map(line)), (e) => done([String(e)]));
JS

sub axe {
    my ($self, $options) = @_;
    state $source = _read($AXE);
    return @{ $self->run_async("$source;\n$RUN_AXE", $options // {}) };
}

sub _read {
    my ($path) = @_;
    CORE::open(my $file, '<:encoding(UTF-8)', $path) or croak "$path: $!";
    local $/;
    return <$file>;
}

1;
