package SourceTree;

=head1 NAME

SourceTree - the files of the project, for tests that compare them with each other or with the programs

=head1 SYNOPSIS

    use SourceTree qw(content);

    like(content('NEWS'), qr/^0\.1\.0$/m, 'NEWS tells of it');

=head1 DESCRIPTION

=head2 content(PATH)

The bytes of a file, by its path below the source folder. Dies when there is none.

=cut

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(content);

my $SOURCE = $ENV{VPS_SRCDIR} // '.';

sub content {
    my ($path) = @_;
    open(my $file, '<:raw', "$SOURCE/$path") or die "$path: $!\n";
    local $/;
    return scalar(<$file>) // '';
}

1;
