<?php
/**
 * Plugin Name: Xiaodu SyntaxHighlighter Fix
 * Description: Tells SyntaxHighlighter Evolved that code in posts is stored with encoded entities.
 * Version:     1.0
 * Author:      Du9L
 * License:     GPL-2.0-or-later
 */

// Opened by itself, outside WordPress, it has nothing to do.
if ( ! function_exists( 'add_filter' ) ) {
	exit;
}

// The formats are 1 (code as it was typed) and 2 (entities encoded). The filter
// comes before the plugin's own guess, which needs a mark that only posts
// written with it carry.
add_filter(
	'syntaxhighlighter_pre_getcodeformat',
	function () {
		return 2;
	}
);
