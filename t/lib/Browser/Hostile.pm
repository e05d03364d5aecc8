package Browser::Hostile;

=head1 NAME

Browser::Hostile - texts of clients that want to be markup, script or confusion

=head1 SYNOPSIS

    use Browser::Hostile qw(hostile_reports tame_reports watch_for_scripts scripts_run);

    watch_for_scripts($browser);
    report($httpd, $_) for hostile_reports();
    $browser->open($url);
    is(scripts_run($browser), '', 'no script ran');

=head1 DESCRIPTION

Texts are characters, not bytes. Each script among them calls alert(1), whose calls
watch_for_scripts() counts.

=head2 hostile_texts, raw_markup

All texts. raw_markup() is those that do harm in a page that does not escape them, as a body of
HTML: a test shows by it that it would see the harm.

=head2 hostile_reports, tame_reports

Reports for a keepalive, one a text, in whose members the text is wherever it is short enough;
client ids are "text-001" and so on. No text is a country's name. tame_reports() are the same with
plain words instead: what a page makes of both differs in nothing but their text.

=head2 watch_for_scripts(BROWSER), scripts_run(BROWSER)

Before the page is opened; and what ran in it since, "" for nothing.

=cut

use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use Exporter qw(import);

our @EXPORT_OK =
    qw(hostile_texts raw_markup hostile_reports tame_reports watch_for_scripts scripts_run);

# Members of a report that hold free text, and how many bytes of UTF-8 each takes.
my %LIMIT = (
    city => 100, region => 64, country => 64, location => 64, provider => 64, timezone => 40,
    client_version => 32, dns_loc => 64, dns_colo => 16,
);

# Those that run a script, or add an element, where they are not escaped.
my @MARKUP = (
    # elements
    '<script>alert(1)</script>',
    '<script>alert(1)//',
    '<ScRiPt >alert(1)</sCrIpT >',
    '<b>x</b>', '<h1>x</h1>', '<p hidden>', '<a href=//x>y', '<base href=//x>',
    '<plaintext>', '<textarea>', '<title>', '<noscript>', '<template>', '<bdi dir=rtl>', '<table>',
    '<meta http-equiv=refresh content=0>',
    '<style>*{display:none}</style>',
    '<link rel=stylesheet href=//x.test>',
    '<form action=//x><input name=a autofocus onfocus=alert(1)>',
    '<iframe srcdoc="<script>parent.alert(1)</script>">',
    '<object data=javascript:alert(1)>',
    '<custom-x onclick=alert(1)>',
    # scripts in attributes
    '<img src=x onerror=alert(1)>',
    '<img/src="x"/onerror="alert(1)">',
    "<img src=x\x{a0}onerror=alert(1) onerror=alert(1)>",
    '<details open ontoggle=alert(1)>x',
    '<body onload=alert(1)>',
    '<video><source onerror=alert(1)>',
    '<a href=javascript:alert(1)>x',
    '<a href=&#106avascript:alert(1)>x',
    # SVG and MathML
    '<svg/onload=alert(1)>',
    '<svg><script>alert(1)</script></svg>',
    '<svg><style><img src=x onerror=alert(1)>',
    '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
    '<math><mi/href="javascript:alert(1)">x',
    # out of what is around
    '</td></tr></table><script>alert(1)</script>',
    '</bdi></th><svg/onload=alert(1)>',
    '</title></style></textarea></script><svg/onload=alert(1)>',
    '--><svg/onload=alert(1)>',
    ']]><svg/onload=alert(1)>',
    '"><svg/onload=alert(1)>', "'><svg/onload=alert(1)>", '`><svg/onload=alert(1)>',
    '<<svg/onload=alert(1)>', '<x><img/onerror=alert(1) src>',
);

# Those that do harm in other places, or look like something else.
my @OTHERS = (
    # attributes, URLs, entities, comments
    '" onmouseover=alert(1) x="', "' autofocus onfocus=alert(1) x='", '" style="display:none',
    'javascript:alert(1)', "JaVaScRiPt:alert(1)", 'data:text/html,<x>', '//x.test/', '?a=b&c=d#e',
    '&lt;script&gt;alert(1)&lt;/script&gt;', '&#60;b&#62; &#x3c;i&#x3e;', '&amp;', '&amp;amp;',
    '&nbsp;', '&', '&copy', '&notit;', '&#0;', '&#xD800;', '<!--', '-->', '<!-', ']]>',
    '<![CDATA[', '<?php x ?>', '<', '>', '<3', 'a < b > c', '"', "'", '`',
    '\\', '\\u003cb\\u003e', '\\x3cb\\x3e',
    # script, JSON and templates
    '";alert(1)//', "';alert(1)//", '`;alert(1)//', '</script><script>', '${alert(1)}',
    '{{alert(1)}}', '{{constructor.constructor("alert(1)")()}}',
    '<%= alert(1) %>', '#{alert(1)}', '[[alert(1)]]', '%3Cscript%3E', '%s%n%x',
    '__proto__', 'constructor', 'null', 'undefined', 'NaN', 'true', '[object Object]',
    '0', '-1', '1e309', '=1+1', '@SUM(A1)',
    # letters: right to left, of no width, blank, that look like others, combining, long
    "\x{202e}evil\x{202c}", "\x{202e}<b>", "\x{2067}abc", "\x{202d}abc", "\x{200f}x", 'שלום',
    "a\x{200b}b\x{200c}c\x{200d}d", "\x{2060}", "\x{ad}\x{ad}x", "\x{2028}x\x{2029}", "\x{a0}",
    "\x{3000}", '  a   b  ', "\x{ff1c}script\x{ff1e}", "\x{2039}b\x{203a}", 'İı', "\x{fb01}",
    "x\x{351}\x{34a}\x{36b}\x{35b}x", 'São Paulo', '東京', "\x{1f468}\x{200d}\x{1f469}",
    "\x{10ffff}", "\x{fffd}", "\x{e000}", "\x{fffe}", 'K' x 16, 'W' x 100, '東' x 33,
);

sub hostile_texts {
    return (@MARKUP, @OTHERS);
}

sub raw_markup {
    return @MARKUP;
}

# A text for each member that has room for it.
sub _members {
    my ($text) = @_;
    my $size = length encode_utf8($text);
    return map { $_ => $text } grep { $LIMIT{$_} >= $size } sort keys %LIMIT;
}

sub hostile_reports {
    my $number = 0;
    return map { { _members($_), client_id => sprintf 'text-%03d', ++$number } } hostile_texts();
}

sub tame_reports {
    return map {
        my $report = $_;
        +{ map { $_ => exists $LIMIT{$_} ? 'word' : $report->{$_} } keys %$report };
    } hostile_reports();
}

sub watch_for_scripts {
    my ($browser) = @_;
    $browser->before_load('window.ran = []; window.alert = (x) => window.ran.push(x);');
}

sub scripts_run {
    my ($browser) = @_;
    return $browser->run('return window.ran.join(" ")');
}

1;
