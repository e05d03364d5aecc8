package DashboardPage;

=head1 NAME

DashboardPage - reads a page of the dashboard, as a browser without a script has it

=head1 SYNOPSIS

    my $page = DashboardPage->get($httpd, '/dashboard?sort=ip');
    $page->is_plain_html('sorted');
    is_deeply([ $page->ids ], [qw(a b)], 'the rows');
    is($page->row('a')->{VPN}, 'connected', 'a cell');
    is($page->facts('details')->{Monitor}, 'running', 'Server Details');

=head2 get(HTTPD, PATH, { port, headers })

Asks an httpd. The answer is in the object's status, headers and content.

=head2 part(ID)

What is inside the element with this id, "" when there is none.

=head2 ids, row(ID), columns

The ids of the table's rows in their order; the cells of one, by their labels, as texts, with
"Client ID" and its "id", "light", "link", "strip" (the 24 hours in words) and "html"; the names of the
columns.

=head2 DashboardPage::news(HTTPD, SINCE, QUERY, PATH), DashboardPage::members(NEWS)

What the feed says is new since then, decoded, with the status and the answer; which members it has besides
"now" and "since".

=head2 facts(PART), links(PART)

The names and texts of a part's definition lists; its links: [text, address] of each.

=head2 text(HTML)

The text of a piece of HTML: without markup, times and spaces as they are written.

=head2 cells_of(HTML)

The cells of one row of the table, as row() has them.

=head2 resolved(LINK, PATH)

Where a link on the page at this path leads: a path.

=head2 is_plain_html(NAME)

Tests that the page is nothing but the tags, with the attributes, that the dashboard has, properly
nested, and that everything else is escaped and UTF-8.

=cut

use strict;
use warnings;

use Test::More ();

sub get {
    my ($class, $httpd, $path, $option) = @_;
    return bless { %{ $httpd->request('GET', $path, $option) } }, $class;
}

sub part {
    my ($self, $id) = @_;
    my ($part) = $self->{content} =~ m{<(\w+) id="\Q$id\E"[^>]*>(.*?)</\1>}s ? $2 : '';
    return $part;
}

sub text {
    my ($html) = @_;
    my %character = (lt => '<', gt => '>', quot => '"', amp => '&');
    return $html =~ s/<[^>]*>//gr =~ s/&(lt|gt|quot|amp);/$character{$1}/gr;
}

sub cells_of {
    my ($html) = @_;
    my ($id, $light) = $html =~ m{^<tr id="c-([^"]*)" class="(\w+)">};
    my ($link, $name) = $html =~ m{<th scope="row"><a href="([^"]*)">(.*?)</a></th>};
    my ($strip) = $html =~ m{<svg class="strip" role="img" aria-label="([^"]*)"};
    my %cell = $html =~ m{<td data-label="([^"]*)">(.*?)</td>}g;
    return {
        map({ $_ => text($cell{$_}) } keys %cell),
        'Client ID' => $name, id => $id, light => $light, link => $link, strip => $strip,
        html => $html,
    };
}

sub _rows {
    my ($self) = @_;
    return map { cells_of($_) } $self->part('rows') =~ m{<tr .*?</tr>}g;
}

sub ids {
    my ($self) = @_;
    return map { $_->{id} } $self->_rows;
}

sub row {
    my ($self, $id) = @_;
    my ($row) = grep { $_->{id} eq $id } $self->_rows;
    return $row // {};
}

sub columns {
    my ($self) = @_;
    return map { text($_) } $self->part('columns') =~ m{<th scope="col"[^>]*>(.*?)</th>}g;
}

sub facts {
    my ($self, $part) = @_;
    my %fact = $self->part($part) =~ m{<dt>(.*?)</dt><dd>(.*?)</dd>}g;
    return { map { $_ => text($fact{$_}) } keys %fact };
}

sub links {
    my ($self, $part) = @_;
    my @links;
    my $html = $self->part($part);
    push @links, [ text($2), text($1) ] while $html =~ m{<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>}g;
    return @links;
}

sub resolved {
    my ($link, $path) = @_;
    $path =~ s/\?.*//;
    return $path . $link if $link =~ /^\?/;
    $path =~ s{[^/]*$}{};
    for (split m{(?<=/)}, $link =~ s{^\./}{}r) {
        $_ eq '../' ? $path =~ s{[^/]*/$}{} : ($path .= $_);
    }
    return $path;
}

my $id = '[A-Za-z0-9-]+';
my $time = '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ';
my $base = '(?:\.\./|\./|[\w.-]+/)*';
my @allowed = (
    qw(head noscript body header main title h1 h2 h3 p section table caption tr td dl dt dd bdi ul ol
        li b span small div defs button), 'html lang="en"', 'meta charset="utf-8"',
    'meta (?:name|http-equiv)="[\w-]+" content="[\w ,=-]+"',
    qq(link rel="(?:icon|stylesheet)" href="$base(?:icon\\.svg|dashboard\\.css)\\?[0-9a-f]{8}"),
    qq(script src="${base}dashboard\\.js\\?[0-9a-f]{8}" defer),
    '(?:p|div|section|thead|tbody|nav) id="\w+"', 'p id="live" role="status"', 'table hidden',
    qq(li id="e-[0-9a-f]+-[0-9a-f]+"),
    '(?:div|section|ul|ol|p|li|span|b) class="[\w ]+"', 'p class="notice" role="status"',
    '(?:p|span) class="[\w ]+" aria-hidden="true"',
    qq(tr id="c-$id" class="\\w+"), 'td data-label="[\w ]+"',
    'th scope="(?:row|col)"(?: aria-sort="(?:ascending|descending)")?',
    'a href="[^"<>]*"(?: aria-current="true")?', 'a rel="(?:prev|next)" href="\?[^"<>]*"',
    'form role="search"', 'label for="q"', 'input type="search" id="q" name="q" maxlength="100" '
        . 'autocomplete="off" spellcheck="false" value="[^"<>]*"',
    'input type="hidden" name="(?:light|sort)" value="[a-z-]+"',
    qq(time datetime="$time"),
    qq(time class="(?:ago|since)" datetime="$time" title="[0-9: -]+ UTC"),
    'svg class="strip" role="img" aria-label="[\w ,]+" viewBox="[\d ]+" preserveAspectRatio="none"',
    'svg class="(?:chart|strip swatch)" aria-hidden="true" viewBox="[\d ]+" '
        . 'preserveAspectRatio="none"',
    'path class="\w+" d="[\dMhvHVz -]+"/', 'pattern id="p-\w+" width="\d" height="\d" '
        . 'patternUnits="userSpaceOnUse"(?: patternTransform="rotate\(45\)")?',
);
my $allowed = join '|', @allowed;
my %void = map { $_ => 1 } qw(meta link input);

# Links of the dashboard lead to itself, to clients, to itself with another query; nowhere else.
sub _is_link {
    my ($link) = @_;
    my $value = qr/(?:[\w.*+-]|%[0-9a-f]{2})*/;
    return $link =~ m{^(?:$base(?:client/$id)?|\?(?:(?:&amp;)?\w+=$value)*)$};
}

sub is_plain_html {
    my ($self, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $page = $self->{content};
    my (@open, @wrong);
    push @wrong, 'no doctype' if $page !~ s/^<!DOCTYPE html>\n//;
    while ($page =~ /<([^<>]*)>/g) {
        my $tag = $1;
        my ($end, $element) = $tag =~ m{^(/?)(\w+)};
        if ($end) {
            push @wrong, "</$element> where <" . ($open[-1] // '') . '> is open'
                if (pop(@open) // '') ne $element;
            next;
        }
        push @wrong, "<$tag>" if $tag !~ /^(?:$allowed)$/;
        push @wrong, "<$tag> leads elsewhere" if $tag =~ /^a .*?href="([^"]*)"/ && !_is_link($1);
        push @open, $element if !$void{$element} && $tag !~ m{/$};
    }
    my %ids;
    $ids{$_}++ for $page =~ / id="([^"]*)"/g;
    push @wrong, map { "id $_ twice" } grep { $ids{$_} > 1 } sort keys %ids;
    push @wrong, 'what is not escaped' if $page =~ s/<[^<>]*>//gr =~ /[<>"]|&(?!(?:lt|gt|amp|quot);)/;
    push @wrong, 'what is no UTF-8' if !utf8::decode(my $copy = $self->{content});
    return Test::More::is(join("\n", splice(@wrong, 0, 5), @open), '',
        "$name: nothing but the dashboard's own tags");
}

# What the feed says is new at an address since then, decoded.
sub news {
    my ($httpd, $since, $query, $path) = @_;
    $path //= '/dashboard';
    my ($status, $news, $answer) =
        $httpd->json('GET', "$path?since=$since" . ($query ? "&$query" : ''));
    $news = {} if ref $news ne 'HASH';
    for my $member (qw(parts rows)) {
        utf8::encode($_) for values %{ $news->{$member} // {} };
    }
    return { status => $status, answer => $answer, %$news };
}

# The members that such news has besides "now" and "since".
sub members {
    my ($news) = @_;
    my %told = map { $_ => 1 } qw(status answer now since);
    return join ' ', grep { !$told{$_} } sort keys %$news;
}

1;
